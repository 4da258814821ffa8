/**
 * Readers beside a writer, whatever breaks: what they hand out is held against the log in the end.
 *
 * A witness either has handed out the first lines of the log, in order and without a gap, or it has said so with an error.
 * They look through a `WatchedLog`, so the same ones watch a disk in memory that crashes and a file; another kind of reader
 * (of a copy elsewhere, say) is one more `StartWitness` in `WITNESSES`.
 */

import { errnoOf } from '../../src/errors.js';
import { decodeEvent } from '../../src/format/decode.js';
import { FinalLog } from '../../src/jetstream/ship/final-log.js';
import { EventFilter } from '../../src/read/event-filter.js';
import { LogScanner } from '../../src/read/log-scanner.js';
import { findStart } from '../../src/read/start-position.js';
import type { ReadableLog } from '../../src/volume/readable-log.js';

/** A log to look at, and when. */
export interface WatchedLog {
  /** Opens the log. */
  readonly open: () => Promise<ReadableLog>;
  /** Resolves at the next moment at which the log may have changed; undefined once watching is over. */
  readonly change: () => Promise<'changed' | undefined>;
}

/** What a reader beside the writers has handed out. */
export interface Witness {
  readonly name: string;
  /** The ids of the events, in order. */
  readonly ids: string[];
  /** What it has said when it gave up; undefined while it has not. */
  error: unknown;
  /** The position after the last event handed out. */
  position: number;
  /** It has seen the end of the run, and ended without an error. */
  ended: boolean;
}

/** Starts a reader; the promise resolves when it has come to its end. */
export type StartWitness = (log: WatchedLog) => { readonly witness: Witness; readonly over: Promise<void> };

/** Reads on after what it has handed out, as long as it is open, and ends with the run: what `EventTail` does. */
const tail: StartWitness = watched =>
  start('tail', async witness => {
    const scanner = new LogScanner(await watched.open(), 0, new EventFilter({}), { stopAtTerminal: true });
    try {
      await follow(scanner, witness, watched);
    } finally {
      await scanner.close();
    }
  });

async function follow(scanner: LogScanner, witness: Witness, { change }: WatchedLog): Promise<void> {
  do await readOn(scanner, witness);
  while (!scanner.ended && (await change()) !== undefined);
  if (!scanner.ended) return;
  while (scanner.log.settledSize() === undefined) if ((await change()) === undefined) return;
  scanner.lastLine.check();
  witness.ended = true;
}

/** Opens the log again each time and goes on from its position: what a program does that saves `position`. */
const replay: StartWitness = watched =>
  start('replay', async witness => {
    do {
      const log = await watched.open();
      try {
        const filter = new EventFilter({});
        const from = await findStart(log, filter, { from: witness.position });
        await readOn(new LogScanner(log, from, filter, {}), witness);
      } finally {
        await log.close();
      }
    } while ((await watched.change()) !== undefined);
  });

/** Ships what is final, as a mirror does: that stays where it is, also when the power goes here. */
const mirror: StartWitness = watched =>
  start('mirror', async witness => {
    const log = new FinalLog(await watched.open());
    do {
      // It cannot be synced while the disk takes nothing: that is left for later.
      const end = await log.end(witness.position, 0).catch(leftForLater);
      if (end === undefined || end === witness.position) continue;
      const lines = (await log.bytes(witness.position, end)).toString().trimEnd().split('\n');
      witness.ids.push(...lines.map(line => decodeEvent(line).id));
      witness.position = end;
    } while ((await watched.change()) !== undefined);
  });

function leftForLater(error: unknown): undefined {
  if (!['ERR_SYSTEM', 'ERR_NO_SPACE'].includes(errnoOf(error) ?? '')) throw error;
}

/** All kinds of readers. */
export const WITNESSES: readonly StartWitness[] = [tail, replay, mirror];

function start(name: string, work: (witness: Witness) => Promise<void>): ReturnType<StartWitness> {
  const witness: Witness = { name, ids: [], error: undefined, position: 0, ended: false };
  const over = work(witness).catch((error: unknown) => {
    witness.error = error;
  });
  return { witness, over };
}

async function readOn(scanner: LogScanner, witness: Witness): Promise<void> {
  for (let batch = await scanner.next(); batch !== undefined; batch = await scanner.next()) {
    witness.ids.push(...batch.events.map(({ id }) => id));
    witness.position = batch.ends.at(-1) ?? witness.position;
  }
}

/**
 * What is wrong with what a witness has handed out, given the ids of the whole lines of the log; undefined when nothing is. One that
 * is still reading has had its chance to come to the end; it may give up only where something was taken back or damaged.
 */
export function untruth(
  { name, ids, error, ended }: Witness,
  log: readonly string[],
  mayGiveUp: boolean,
): string | undefined {
  if (error !== undefined) {
    const code = errnoOf(error) ?? String(error);
    return mayGiveUp && name !== 'mirror' && SAYS_SO.includes(code)
      ? undefined
      : `the ${name} failed with ${code}`;
  }
  const wrong = ids.findIndex((id, index) => id !== log[index]);
  if (wrong !== -1) return `the ${name} handed out an event, number ${wrong}, that is not there in the log`;
  if (ended || ids.length === log.length) return undefined;
  return `the ${name} never handed out event ${ids.length}`;
}

/** Errors that say that the log is not what it was. */
const SAYS_SO: readonly string[] = ['ERR_LOG_TRUNCATED', 'ERR_INVALID_POSITION', 'ERR_MALFORMED_LINE'];
