/** What became of appends, and what must hold of it whatever broke: checked against the bytes on disk. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { errnoOf } from '../../../src/errors.js';
import { decodeEvent, EventLog, EventLogError, verifyRun } from '../../../src/index.js';
import { placesOf } from '../../../src/volume/places.js';

/** What became of a call. */
export interface Outcome {
  /** Its events; none for opening and closing. */
  readonly names: readonly string[];
  /** Why it was rejected, `pending` when it never settled; absent when it was acknowledged. */
  readonly code?: string | undefined;
  /** How many of its events were kept all the same, where there was no room for all. */
  readonly kept?: number | undefined;
  /** The error of the operating system after it. */
  readonly errno?: string;
}

/** An event with a name; padding makes its line longer by so many bytes. */
export const gate = (name: string, paddingBytes = 0) =>
  ({
    type: 'gate.passed',
    node_id: 'n',
    gate: name,
    method: 'hook',
    stdout: 'x'.repeat(paddingBytes),
  }) as const;

/** Makes all calls at once, each with the names of its events, and waits for them. */
export function attempt(
  log: EventLog,
  calls: readonly (readonly string[])[],
  paddingBytes = 0,
): Promise<Outcome[]> {
  return Promise.all(
    calls.map(names =>
      log.appendAll(names.map(name => gate(name, paddingBytes))).then(
        () => ({ names }),
        (error: unknown) => ({
          names,
          code: errnoOf(error),
          ...(error instanceof EventLogError && { kept: error.kept }),
        }),
      ),
    ),
  );
}

/** The names of the events in the whole lines of a log. */
export function namesIn(root: string, runId: string): string[] {
  return readFileSync(placesOf(root, runId).log, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map(line => decodeEvent(line))
    .map(event => (event.type === 'gate.passed' ? event.gate : event.type));
}

/** The ids of the events in the whole lines of a log. */
export function idsIn(root: string, runId: string): string[] {
  const lines = readFileSync(placesOf(root, runId).log, 'utf8').split('\n').slice(0, -1);
  return lines.map(line => decodeEvent(line).id);
}

/** The names of the events that were acknowledged, in order; or of those that were rejected with a code. */
export function namesOf(outcomes: readonly Outcome[], code?: string): string[] {
  return outcomes.filter(outcome => outcome.code === code).flatMap(({ names }) => names);
}

/** The names of the events that are on disk for sure, in order: those acknowledged, and those kept where there was no room. */
export function namesKept(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ names, code, kept = 0 }) => (code === undefined ? names : names.slice(0, kept)));
}

/** The codes of the calls, `kept` where there is none: without the opening and the closing. */
export function codesOf(outcomes: readonly Outcome[]): string[] {
  return outcomes.filter(({ names }) => names.length > 0).map(({ code }) => code ?? 'kept');
}

/**
 * Acknowledged events are in the log, in order and once, and so are those of a refused call that it says were kept; others that
 * were refused are not; those whose outcome is
 * unknown may be. Another writer opens the log, appends, and then nothing is wrong with it.
 */
export async function expectSound(root: string, runId: string, outcomes: readonly Outcome[]): Promise<void> {
  const kept = namesIn(root, runId);
  const unknown = new Set([...namesOf(outcomes, 'ERR_LOG_FAILED'), ...namesOf(outcomes, 'pending')]);
  expect(kept.filter(name => !unknown.has(name))).toEqual(namesKept(outcomes));
  expect(new Set(kept).size).toBe(kept.length);
  await using log = await EventLog.open(root, runId);
  const event = await log.append(gate('again'));
  expect(namesIn(root, runId)).toEqual([...kept, 'again']);
  expect(await verifyRun(root, runId)).toMatchObject({ ok: true, events: kept.length + 1 });
  expect((await log.read({ last: 1 }).toArray())[0]).toEqual(event);
}
