/** Appending to one log again and again, each time with another amount of room, with readers beside it. */
import { statSync } from 'node:fs';
import { expect, onTestFinished } from 'vitest';
import { EventLog } from '../../../src/index.js';
import { FileWitnesses } from './file-witnesses.js';
import { attempt, codesOf, expectSound, gate, namesKept, type Outcome } from './outcomes.js';

export class Sweep {
  readonly #log: EventLog;
  readonly #witnesses: FileWitnesses;
  /** The line of an event without a name and padding. */
  readonly lineBytes: number;
  readonly #outcomes: Outcome[] = [{ names: [''] }];
  #count = 0;

  private constructor(log: EventLog) {
    this.#log = log;
    this.lineBytes = this.size;
    this.#witnesses = new FileWitnesses(log.root, log.runId);
  }

  static async start(root: string): Promise<Sweep> {
    const log = await EventLog.create(root, 'full');
    onTestFinished(() => log.close());
    await log.append(gate(''));
    return new Sweep(log);
  }

  /** The size of the log. */
  get size(): number {
    return statSync(this.#log.path).size;
  }

  /** Appends an event that makes the log end so many bytes before the end of a block. */
  async endBefore(blockEnd: number, blockBytes: number): Promise<void> {
    const name = `${this.#count++}`;
    const unpadded = this.size + this.lineBytes + name.length + blockEnd;
    await this.#log.append(gate(name, blockBytes - (unpadded % blockBytes)));
    this.#outcomes.push({ names: [name] });
    expect((this.size + blockEnd) % blockBytes).toBe(0);
  }

  /** Makes three calls at once; returns what became of them. The log has grown by exactly those that were kept. */
  async fillUp(paddingBytes = 0): Promise<string[]> {
    const { outcomes, before } = await this.#call(paddingBytes);
    expect(this.size - before).toBe(this.#bytesOf(namesKept(outcomes), paddingBytes));
    return codesOf(outcomes);
  }

  /** The same where the room is known: the events that fit are kept, also of a call that is refused. */
  async fillExactly(room: number, paddingBytes = 0): Promise<void> {
    const { outcomes, before } = await this.#call(paddingBytes);
    let end = 0;
    const fits = ({ names }: Outcome) => (end += this.#bytesOf(names, paddingBytes)) <= room;
    const expected = outcomes.map(outcome => (fits(outcome) ? 'kept' : 'ERR_NO_SPACE'));
    expect([room, ...codesOf(outcomes)]).toEqual([room, ...expected]);
    const names = outcomes.flatMap(outcome => outcome.names);
    const fitting = names.filter(
      (_, index) => this.#bytesOf(names.slice(0, index + 1), paddingBytes) <= room,
    );
    expect(namesKept(outcomes)).toEqual(fitting);
    expect(this.size - before).toBe(this.#bytesOf(fitting, paddingBytes));
  }

  /** The whole log, held against everything that became of the calls, and what the readers handed out against the log. */
  async finish(): Promise<void> {
    await expectSound(this.#log.root, this.#log.runId, this.#outcomes);
    await this.#witnesses.finish(false);
  }

  async #call(paddingBytes: number): Promise<{ outcomes: Outcome[]; before: number }> {
    const name = () => `${this.#count++}`;
    const before = this.size;
    const outcomes = await attempt(this.#log, [[name()], [name(), name(), name()], [name()]], paddingBytes);
    this.#outcomes.push(...outcomes);
    return { outcomes, before };
  }

  #bytesOf(names: readonly string[], paddingBytes: number): number {
    return names.reduce((sum, name) => sum + this.lineBytes + name.length + paddingBytes, 0);
  }
}
