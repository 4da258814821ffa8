/** However a program ends, nothing that was acknowledged is lost, and no append is left without an answer. */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type EventDraft, EventLog } from '../src/index.js';
import { attempt, codesOf, expectSound, gate, namesIn } from './support/faults/outcomes.js';
import { programPath } from './support/programs.js';
import { temporaryVolume } from './support/volume.js';

const PROGRAM = programPath('faults/exit');
const code = (name: string) => expect.objectContaining({ name: 'EventLogError', code: name });
// Drafts that the type checker would refuse.
const invalid: EventDraft = JSON.parse('{ "type": "no event" }');

interface Ending {
  readonly exitCode: number | null;
  readonly complaints: string;
  readonly acknowledged: string[];
  readonly kept: string[];
}

/** Runs a program to its end; all that it saw acknowledged is kept, in order, and the log goes on. */
async function endBy(way: string): Promise<Ending> {
  const log = await EventLog.create(temporaryVolume(), 'ending');
  await log.close();
  const { root, runId } = log;
  const ending = await new Promise<Omit<Ending, 'kept'>>(resolve => {
    const child = execFile(process.execPath, [PROGRAM, root, runId, way], (_, stdout, complaints) => {
      resolve({ exitCode: child.exitCode, complaints, acknowledged: stdout.split('\n').slice(0, -1) });
    });
  });
  const kept = namesIn(root, runId);
  const unheard = kept.filter(name => !ending.acknowledged.includes(name));
  await expectSound(root, runId, [{ names: ending.acknowledged }, { names: unheard, code: 'pending' }]);
  return { ...ending, kept };
}

describe('acknowledged events are kept', () => {
  test('by a process that exits in the middle of appends', async () => {
    const { exitCode, acknowledged } = await endBy('process.exit');
    expect(exitCode).toBe(0);
    expect(acknowledged).toContain('20 last');
  });

  test('by a process that an unhandled rejection ends', async () => {
    const { exitCode, acknowledged, complaints } = await endBy('unhandled rejection');
    expect(exitCode).toBe(1);
    expect(complaints).toContain('ERR_INVALID_EVENT');
    expect(acknowledged).toContain('18');
  });

  test('by a process that an uncaught error ends', async () => {
    const { exitCode, acknowledged, complaints } = await endBy('uncaught error');
    expect(exitCode).toBe(1);
    expect(complaints).toContain('Error: mine');
    expect(acknowledged).toContain('20 awaited');
  });
});

describe('an append that is under way is waited for', () => {
  test('by a program that comes to its end without closing the log', async () => {
    const { exitCode, acknowledged, kept } = await endBy('the end of the program');
    expect([exitCode, acknowledged.length]).toEqual([0, 2000]);
    expect(acknowledged).toEqual(kept);
  });

  test('by close, also while an error propagates and the last append was refused', async () => {
    const { exitCode, acknowledged, complaints } = await endBy('an error past close');
    expect([exitCode, acknowledged.length]).toEqual([1, 20]);
    expect(complaints).toContain('Error: mine');
  });

  test.for(['close', 'flush'] as const)('by %s, whatever the last call came to', async method => {
    const names = Array.from({ length: 20 }, (_, index) => `${index}`);
    for (const last of [[invalid], [], [gate('x'.repeat(500))]]) {
      await using log = await EventLog.create(temporaryVolume(), 'ending', { maxLineBytes: 400 });
      const calls = [
        attempt(
          log,
          names.map(name => [name]),
        ),
        log.appendAll(last).catch(() => undefined),
      ];
      await log[method]();
      expect(namesIn(log.root, log.runId)).toEqual(names);
      await Promise.all(calls);
    }
  });
});

describe('every append is answered', () => {
  test('after close with ERR_LOG_CLOSED, and nothing of it is written', async () => {
    const log = await EventLog.create(temporaryVolume(), 'ending');
    const before = attempt(log, [['a'], ['b', 'c']]);
    const closed = log.close();
    const behind = attempt(log, [['d'], ['e', 'f']]);
    expect(codesOf(await before)).toEqual(['kept', 'kept']);
    expect(codesOf(await behind)).toEqual(['ERR_LOG_CLOSED', 'ERR_LOG_CLOSED']);
    await closed;
    await expect(log.append(gate('g'))).rejects.toThrow(code('ERR_LOG_CLOSED'));
    expect(namesIn(log.root, log.runId)).toEqual(['a', 'b', 'c']);
  });

  test('also of a batch whose making throws: with that error, and nothing of it is written', async () => {
    await using log = await EventLog.create(temporaryVolume(), 'ending');
    const mine = new Error('mine');
    const batch = function* () {
      yield gate('a');
      throw mine;
    };
    await expect(log.appendAll(batch())).rejects.toBe(mine);
    expect(statSync(log.path).size).toBe(0);
    expect(codesOf(await attempt(log, [['b']]))).toEqual(['kept']);
    expect(namesIn(log.root, log.runId)).toEqual(['b']);
  });
});
