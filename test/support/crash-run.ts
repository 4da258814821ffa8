/**
 * A run of the real queue and the real commit over a disk that crashes, and the book kept beside it: what was
 * submitted, and what became of it. After every recovery the log is held against the book, and what readers beside the
 * writers have handed out against the log.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { vi } from 'vitest';
import type { Append } from '../../src/append/admission.js';
import { CommitQueue } from '../../src/append/commit-queue.js';
import { Committer } from '../../src/append/committer.js';
import { EventLogError } from '../../src/errors.js';
import { decodeEvent } from '../../src/format/decode.js';
import { prepareDraft } from '../../src/format/encode.js';
import type { EventDraft } from '../../src/format/events.js';
import { CrashMachine, type MachineOptions, type Process } from './crash-machine.js';
import { CrashWitnesses } from './crash-witnesses.js';

const RUN_ID = 'feature-01kp8g6dg0zg6axb6gqz17wf7m';

/** What happens next in a run. */
export type Step =
  /** One writer appends entries in one tick; each number is the size of an event's filler. */
  | { readonly do: 'append'; readonly writer: number; readonly entries: readonly (readonly number[])[] }
  /** One writer appends the terminal event. */
  | { readonly do: 'end'; readonly writer: number }
  /** The clock is set, forwards or back. */
  | { readonly do: 'clock'; readonly by: number }
  /** So many turns of the microtask queue pass. */
  | { readonly do: 'pause'; readonly turns: number }
  /** A writer opens the log again. */
  | { readonly do: 'reopen'; readonly writer: number }
  | { readonly do: 'power cut' };

interface Submitted {
  readonly text: string; // the draft, as JSON
  readonly writer: Writer;
  outcome: 'pending' | 'kept' | 'refused' | 'unknown';
}

/** A process that appends: what `EventLog` is, without the real file. */
interface Writer {
  readonly process: Process;
  readonly queue: CommitQueue<Append>;
  readonly faultsBefore: number;
  failed: boolean;
}

/** A line of the log: its id, its draft as JSON, and where it ends. */
interface Line {
  readonly id: string;
  readonly text: string;
  readonly end: number;
}

/** Drives one run; every method throws when a promise is broken. */
export class CrashRun {
  readonly #machine: CrashMachine;
  readonly #witnesses: CrashWitnesses;
  readonly #book: Submitted[] = [];
  #decoded: Buffer = Buffer.alloc(0);
  #lines: Line[] = []; // of what was decoded
  readonly #writers: (Writer | undefined)[] = [];
  readonly #unexplained: unknown[] = []; // rejections without a reason

  constructor(options: MachineOptions) {
    this.#machine = new CrashMachine(options);
    this.#witnesses = new CrashWitnesses(this.#machine);
  }

  async step(step: Step): Promise<void> {
    vi.setSystemTime(Date.now() + 1);
    this.#witnesses.begin();
    switch (step.do) {
      case 'append': {
        const writer = await this.#turnOf(step.writer);
        for (const fillers of step.entries) {
          this.#submit(
            writer,
            fillers.map((filler, index) => gate(this.#book.length + index, filler)),
          );
        }
        return;
      }
      case 'end': {
        const writer = await this.#turnOf(step.writer);
        this.#submit(writer, [{ type: 'pipe.aborted', reason: `${this.#book.length}` }]);
        return;
      }
      case 'clock':
        vi.setSystemTime(Date.now() + step.by);
        return;
      case 'pause':
        for (let i = 0; i < step.turns; i++) await undefined;
        return;
      case 'reopen':
        await this.settle();
        this.#writers[step.writer] = undefined;
        await this.#writer(step.writer);
        return;
      case 'power cut':
        this.#machine.powerCut();
    }
  }

  /** Lets everything come to its end; nothing may hang, and what has ended is held against the book. */
  async settle(): Promise<void> {
    await turn();
    this.#witnesses.step();
    await turn();
    for (const error of this.#unexplained) throw error;
    for (const entry of this.#book) {
      if (entry.outcome !== 'pending') continue;
      must(!entry.writer.process.alive, 'an append of a living writer hangs');
      entry.outcome = 'unknown';
    }
    // A living writer has looked at the log since the last power cut: it is repaired.
    if (!this.#writers.some(writer => writer?.process.alive)) return;
    this.#check();
    this.#witnesses.check(this.#lines.map(({ id }) => id));
  }

  /** The end: a last power cut, no more incidents; the log must be whole, and writable. */
  async finish(): Promise<void> {
    await this.settle();
    this.#machine.expect();
    for (let round = 0; round < 2; round++) {
      this.#machine.powerCut();
      await this.step({ do: 'append', writer: 0, entries: [[0]] });
      await this.settle();
      const last = this.#book.at(-1)?.outcome;
      must(last === (this.#ended ? 'refused' : 'kept'), `a new event was ${last}`);
      this.#check();
    }
  }

  /** A writer that may append now: they take turns, as the lock makes them do. */
  async #turnOf(index: number): Promise<Writer> {
    if (this.#writers.some((other, at) => at !== index && other !== undefined)) await this.settle();
    return this.#writer(index);
  }

  async #writer(index: number): Promise<Writer> {
    for (;;) {
      const open = this.#writers[index];
      if (open?.process.alive) return open;
      if (this.#machine.readOnly) this.#machine.powerCut(); // nothing else helps
      this.#writers[index] = await this.#open();
    }
  }

  /** Opens the log as `EventLog.open` does; undefined when a fault or a crash came between. */
  async #open(): Promise<Writer | undefined> {
    const machine = this.#machine;
    const { disk, faults: faultsBefore } = machine;
    const before = disk.content;
    const process = machine.open();
    const committer = new Committer(process.file, { lock: false });
    const queue = new CommitQueue<Append>(async batch => {
      process.committing = true;
      const settle = await committer.commit(batch);
      process.committing = false;
      return settle;
    });
    const opening = committer.start().then(
      recovery => ({ recovery }),
      (error: unknown) => ({ error }),
    );
    const result = await Promise.race([opening, turn()]);
    if (result === undefined) {
      must(!process.alive, 'opening hangs');
      return undefined;
    }
    if ('error' in result) {
      process.kill();
      if (machine.faults > faultsBefore) return undefined;
      throw result.error;
    }
    const { recovery } = result;
    const cut = before.subarray(disk.content.length);
    must(disk.content.equals(before.subarray(0, disk.content.length)), 'opening changed more than the end');
    must((recovery?.bytes ?? 0) === cut.length, 'the recovery tells another number of bytes than were cut');
    if (recovery !== undefined) {
      must(recovery.offset === disk.content.length, 'the recovery tells another place');
      const copy = disk.saved.get(recovery.savedTo);
      must(copy?.durable === true && copy.bytes.equals(cut), 'the bytes cut are not saved');
    }
    this.#check();
    return { process, queue, faultsBefore, failed: false };
  }

  #submit(writer: Writer, drafts: readonly EventDraft[]): void {
    const entries = drafts.map(
      (draft): Submitted => ({ text: JSON.stringify(draft), writer, outcome: 'pending' }),
    );
    this.#book.push(...entries);
    const settle = (outcome: Submitted['outcome'], kept = 0) => {
      if (!writer.process.alive) return; // it told nobody any more
      entries.forEach((entry, index) => {
        entry.outcome = index < kept ? 'kept' : outcome;
      });
    };
    const events = drafts.map(draft => prepareDraft(draft, RUN_ID));
    writer.queue.push({
      events,
      bytes: events.reduce((sum, { bytes }) => sum + bytes, 0),
      last: drafts.at(-1)?.type === 'pipe.aborted',
      resolve: () => {
        if (writer.failed) this.#unexplained.push(new Error('a log that has failed took an event'));
        settle('kept');
      },
      reject: error =>
        settle(this.#refusal(error, writer), error instanceof EventLogError ? (error.kept ?? 0) : 0),
    });
  }

  /** What a rejection means; there must be a reason for it. */
  #refusal(error: unknown, writer: Writer): 'refused' | 'unknown' {
    const code = error instanceof EventLogError ? error.code : undefined;
    const faulty = this.#machine.faults > writer.faultsBefore && code !== 'ERR_LOG_CORRUPT';
    const reason = code === 'ERR_RUN_ENDED' ? this.#ended : code !== undefined && faulty;
    if (!reason && writer.process.alive) this.#unexplained.push(error);
    if (writer.failed && code !== 'ERR_LOG_FAILED') this.#unexplained.push(error);
    writer.failed = code === 'ERR_LOG_FAILED';
    return writer.failed ? 'unknown' : 'refused';
  }

  get #ended(): boolean {
    return this.#machine.disk.content.includes('"type":"pipe.aborted"');
  }

  /** Holds the whole lines of the log against the book. */
  #check(): void {
    let id = '';
    let at = 0; // in the book
    for (const line of this.#read()) {
      must(line.id > id, 'the ids do not rise');
      id = line.id;
      // What was passed over on the way is not in the log, or not in the order of the calls.
      for (; this.#book[at]?.text !== line.text; at++) this.#expectNotKept(at);
      must(this.#book[at]?.outcome !== 'refused', `event ${at} was refused and is in the log`);
      at++;
    }
    for (; at < this.#book.length; at++) this.#expectNotKept(at);
  }

  #expectNotKept(at: number): void {
    must(at < this.#book.length, 'a line was never submitted, or is there twice, or in the wrong order');
    must(this.#book[at]?.outcome !== 'kept', `event ${at} was acknowledged and is lost`);
  }

  /** The whole lines of the log; what was decoded before is not decoded again. */
  #read(): readonly Line[] {
    const { content } = this.#machine.disk;
    if (!content.subarray(0, this.#decoded.length).equals(this.#decoded)) this.#lines = [];
    this.#decoded = content;
    let start = this.#lines.at(-1)?.end ?? 0;
    for (let lf: number; (lf = content.indexOf('\n', start)) !== -1; start = lf + 1) {
      const { id, ts: _, run_id, ...draft } = decodeEvent(content.subarray(start, lf));
      must(run_id === RUN_ID, 'a foreign run id');
      this.#lines.push({ id, text: JSON.stringify(draft), end: lf + 1 });
    }
    return this.#lines;
  }
}

/** An event unlike all others of its run. */
function gate(number: number, filler: number): EventDraft {
  return {
    type: 'gate.passed',
    node_id: 'n',
    gate: `${number}`,
    method: 'hook',
    stdout: 'ä'.repeat(filler >> 1),
  };
}

function must(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}
