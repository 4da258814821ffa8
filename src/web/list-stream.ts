/**
 * The stream of server-sent events of the list of runs: what has changed since the cursor of an answer, or of the message that came
 * last. A cursor that does not fit any more is a `reset`.
 */
import type { ServerResponse } from 'node:http';
import { nowMs } from '../real-time.js';
import { MessageStream } from './message-stream.js';
import type { RunList } from './run-list.js';

/** How long to wait for a change at most. */
const REST_MS = 60_000;

/** Streams what changes in the list. */
export async function streamList(
  list: RunList,
  response: ServerResponse,
  closing: AbortSignal,
  after: string | undefined,
): Promise<void> {
  let cursor = after ?? list.cursor;
  const stream = new MessageStream(response, closing);
  while (!stream.gone.aborted) {
    const changes = list.since(cursor);
    if (changes === undefined) {
      await stream.send('reset', { reason: 'cursor', message: 'the list has changed too much since' });
      break;
    }
    const { runs, removed } = changes;
    const news = changes.cursor !== cursor;
    cursor = changes.cursor;
    if (news) await stream.send('runs', { runs, removed, now: nowMs() }, cursor);
    else await list.changes.wait(REST_MS, stream.gone);
  }
  stream.end();
}
