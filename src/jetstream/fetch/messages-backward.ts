/**
 * The messages of a run from the last to the first.
 *
 * Promises: they are read step by step, and one step at a time is held, which is bounded whatever lies between them. Where one
 * names another before it than is there, that is an error.
 */
import type { JsMsg } from '@nats-io/jetstream';
import { startOf } from '../message.js';
import { linkOf } from './message-link.js';
import { OrderedMessages } from './ordered-messages.js';
import type { StoredRun } from './stored-run.js';

/** How many sequences are looked at from the end in the first step back. */
const FIRST_STEP = 256;
/** How many messages of a step are held at the most, and how many bytes of more than one. */
const MOST_IN_STEP = 2048;
const MOST_BYTES = 8 * 1024 * 1024;

/** The sequences of the messages to look at, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** The messages of a range, the last one first. */
export async function* messagesBackward(
  run: StoredRun,
  { first, last }: Range,
  signal: AbortSignal | undefined,
): AsyncGenerator<JsMsg, undefined> {
  let end = last;
  let step = FIRST_STEP;
  let behind: JsMsg | undefined;
  while (end >= first) {
    const begin = Math.max(first, end - step + 1);
    const { messages, complete } = await messagesBetween(run, begin, end, signal);
    const covered = complete ? begin : (messages[0]?.seq ?? begin);
    for (const message of messages.reverse()) {
      if (behind !== undefined && linkOf(behind, message) === 'broken') throw run.incomplete(startOf(behind));
      behind = message;
      yield message;
    }
    step = complete ? step * 2 : end - covered + 1; // other runs may lie between, so a step is bounded by what it finds
    end = covered - 1;
  }
  return undefined;
}

/** The last messages between two sequences, and whether those are all. */
async function messagesBetween(
  run: StoredRun,
  begin: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<{ messages: JsMsg[]; complete: boolean }> {
  const found = await run.next(begin);
  if (found === undefined || found.seq > end) return { messages: [], complete: true };
  const source = new OrderedMessages(run, found.seq);
  const between: JsMsg[] = [];
  let bytes = 0;
  let complete = true;
  try {
    for (let messages = await source.next(); messages !== undefined; messages = await source.next()) {
      signal?.throwIfAborted();
      for (const message of messages) {
        if (message.seq > end) break;
        between.push(message);
        bytes += message.data.length;
        while (between.length > MOST_IN_STEP || (bytes > MOST_BYTES && between.length > 1)) {
          bytes -= between.shift()?.data.length ?? 0;
          complete = false;
        }
      }
      const latest = messages.at(-1);
      if (latest === undefined || latest.seq >= end || latest.info.pending === 0) break;
    }
  } finally {
    await source.close();
  }
  return { messages: between, complete };
}
