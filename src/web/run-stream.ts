/**
 * The stream of server-sent events of one run: what is asked for, and when there is nothing to stream.
 *
 * Promise: it begins after the cursors that the client gives, whether of its own or in the id of the last message it got.
 */
import type { ServerResponse } from 'node:http';
import { parseOutputCursor, parseRunCursor, partsOfStreamId } from './cursors.js';
import { MessageStream } from './message-stream.js';
import { OutputFeed } from './output-feed.js';
import { RequestError } from './request.js';
import type { RunHubs } from './run-hub.js';
import { RunSender } from './run-sender.js';
import type { RunServerSource } from './source.js';

/** What a stream of a run is asked for. */
export interface RunStreamRequest {
  readonly runId: string;
  readonly after: string | undefined;
  readonly nodeId: string | undefined;
  readonly output: string | undefined;
  /** The id of the last message that the client got, which holds both cursors. */
  readonly last: string | undefined;
}

/** Streams a run. */
export async function streamRun(
  source: RunServerSource,
  hubs: RunHubs,
  request: RunStreamRequest,
  response: ServerResponse,
  closing: AbortSignal,
): Promise<void> {
  const [last, lastOutput] = request.last === undefined ? [] : partsOfStreamId(request.last);
  const cursor = cursorOf(last ?? request.after, parseRunCursor);
  const output = cursorOf(lastOutput ?? request.output, parseOutputCursor);
  await hubs.using(request.runId, async hub => {
    const { nodeId } = request;
    const feed = nodeId === undefined ? undefined : new OutputFeed(nodeId, hub.outputs.join(nodeId), output);
    try {
      if (hub.ended && last !== undefined && cursor?.count === hub.view.count && !(await feed?.next())) {
        response.writeHead(204).end(); // an EventSource gives up then
        return;
      }
      const stream = new MessageStream(response, closing);
      try {
        await new RunSender(source, hub, stream, feed).run(cursor);
      } finally {
        stream.end();
      }
    } finally {
      feed?.close();
    }
  });
}

function cursorOf<Cursor>(
  text: string | undefined,
  parse: (text: string) => Cursor | undefined,
): Cursor | undefined {
  if (text === undefined || text === '') return undefined;
  const cursor = parse(text);
  if (cursor === undefined) throw new RequestError(400, 'request', 'this is no cursor');
  return cursor;
}
