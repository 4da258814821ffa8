/**
 * Answers about the output of a node: a window of it, a search, and its raw bytes.
 *
 * Promises: nothing is read but the output file of the node, through no link; an answer is bounded, however large the file; a
 * client that goes away ends the work.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { markerIn } from '../run/output/iteration-marker.js';
import { LineIndex } from '../run/output/line-index.js';
import type { Bounds, NodeOutput } from '../run/output/node-output.js';
import { readLines } from '../run/output/output-lines.js';
import { searchOutput } from '../run/output/output-search.js';
import type { OutputAnswer, SearchAnswer } from './api.js';
import { formatOutputCursor } from './cursors.js';
import { Parameters, RequestError } from './request.js';
import type { RunHubs } from './run-hub.js';
import type { RunServerSource } from './source.js';
import { drained } from './writing.js';

const MOST_INDEXES = 64;
const SHOWN_LINE_BYTES = 8192;
const RAW_BLOCK_BYTES = 256 * 1024;
/** A client that pauses a download for longer is dropped. */
const PATIENCE_MS = 60_000;

/** A node of a run. */
export interface NodeName {
  readonly runId: string;
  readonly nodeId: string;
}

/** The outputs of a source. */
export class Outputs {
  readonly #source: RunServerSource;
  readonly #hubs: RunHubs;
  readonly #indexes = new Map<string, LineIndex>();

  constructor(source: RunServerSource, hubs: RunHubs) {
    this.#source = source;
    this.#hubs = hubs;
  }

  /** A window by line or by byte. */
  async window(node: NodeName, query: URLSearchParams, signal: AbortSignal): Promise<OutputAnswer> {
    const parameters = new Parameters(query, ['line', 'lines', 'from', 'bytes', 'iteration']);
    const given = await this.#boundsOf(node, parameters);
    return this.#using(node, async output => {
      const from = parameters.integer('from', -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      const bounds = output.within(given);
      if (from !== undefined) {
        const bytes = parameters.integer('bytes', 1, 1024 * 1024) ?? 65_536;
        const window = await output.text(from, bytes, bounds);
        const unfinished = window.text !== '' && !window.text.endsWith('\n');
        return {
          size: output.size,
          bounds,
          lines: [],
          unfinished,
          ...window,
          ...cursorAt(output, window.end),
        };
      }
      const line = parameters.integer('line', -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? -200;
      if (line === 0) throw new RequestError(400, 'request', 'lines are counted from 1');
      const lines = parameters.integer('lines', 1, 2000) ?? 200;
      const options = { line, lines, maxBytes: SHOWN_LINE_BYTES, bounds, signal };
      const window = await readLines(output, this.#indexOf(node), options);
      return { size: output.size, text: '', ...window, ...cursorAt(output, window.end) };
    });
  }

  /** A search. */
  async search(node: NodeName, query: URLSearchParams, signal: AbortSignal): Promise<SearchAnswer> {
    const parameters = new Parameters(query, ['q', 'case', 'iteration', 'limit', 'from']);
    const text = parameters.text('q') ?? '';
    if (text === '' || text.length > 1000 || text.includes('\n'))
      throw new RequestError(400, 'request', 'q is a text of 1 to 1000 characters within one line');
    const bounds = await this.#boundsOf(node, parameters);
    const options = {
      text,
      caseSensitive: parameters.flag('case'),
      limit: parameters.integer('limit', 0, 5000) ?? 500,
      from: parameters.integer('from', 1, Number.MAX_SAFE_INTEGER) ?? 1,
      bounds,
      signal,
    };
    return this.#using(node, output => searchOutput(output, this.#indexOf(node), options));
  }

  /** The bytes of the file as they are; takes one range. */
  async raw(node: NodeName, request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#using(node, async output => {
      const { size } = output;
      const range = rangeOf(request.headers.range, size);
      if (range === undefined) {
        response.setHeader('Content-Range', `bytes */${size}`);
        throw new RequestError(416, 'request', `the file has ${size} bytes`);
      }
      const partial = request.headers.range !== undefined && range.partial;
      response.writeHead(partial ? 206 : 200, {
        'Content-Type': 'text/plain; charset=utf-8',
        'Content-Length': range.end - range.start,
        'Accept-Ranges': 'bytes',
        'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(`${node.nodeId}.out`).replace(/[!'()*]/g, '_')}`,
        ...(partial ? { 'Content-Range': `bytes ${range.start}-${range.end - 1}/${size}` } : {}),
      });
      if (request.method !== 'HEAD') await send(output, range, response);
      response.end();
    });
  }

  async #using<Result>(node: NodeName, work: (output: NodeOutput) => Promise<Result>): Promise<Result> {
    const output = await this.#source.output(node.runId, node.nodeId);
    try {
      return await work(output);
    } finally {
      output.close();
    }
  }

  async #boundsOf({ runId, nodeId }: NodeName, parameters: Parameters): Promise<Bounds | undefined> {
    const number = parameters.integer('iteration', 0, Number.MAX_SAFE_INTEGER);
    if (number === undefined) return undefined;
    const iteration = await this.#hubs.using(runId, async ({ view }) => view.iteration(nodeId, number));
    if (iteration === undefined)
      throw new RequestError(404, 'path', `the node has no iteration ${number} in its latest attempt`);
    const { start, end = Number.MAX_SAFE_INTEGER, firstStart } = iteration;
    const marker = await this.#using({ runId, nodeId }, output => markerIn(output, iteration, firstStart));
    return { start, end: end - Buffer.byteLength(marker) }; // without the marker of the next iteration
  }

  /** The index of an output; those used longest ago are forgotten. */
  #indexOf({ runId, nodeId }: NodeName): LineIndex {
    const key = `${runId}/${nodeId}`;
    const index = this.#indexes.get(key) ?? new LineIndex();
    this.#indexes.delete(key);
    this.#indexes.set(key, index);
    for (const oldest of this.#indexes.keys()) {
      if (this.#indexes.size <= MOST_INDEXES) break;
      this.#indexes.delete(oldest);
    }
    return index;
  }
}

function cursorAt(output: NodeOutput, end: number): { cursor?: string } {
  const { file, size } = output;
  return end >= size ? { cursor: formatOutputCursor({ file, offset: end }) } : {};
}

/** What `Range` asks for; undefined where the file has nothing of it. A header that makes no sense is as good as none. */
function rangeOf(header: string | undefined, size: number): (Bounds & { partial: boolean }) | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return { start: 0, end: size, partial: false };
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  return start < end ? { start, end, partial: true } : undefined;
}

/** Sends a stretch of the file, no faster than the client takes it. */
async function send(output: NodeOutput, { start, end }: Bounds, response: ServerResponse): Promise<void> {
  for (let offset = start; offset < end && !response.destroyed; ) {
    const block = Buffer.allocUnsafe(Math.min(RAW_BLOCK_BYTES, end - offset));
    const read = await output.read(block, offset);
    if (read === 0) {
      response.destroy(); // it was cut meanwhile: what was promised is not there
      return;
    }
    offset += read;
    response.write(block.subarray(0, read));
    await drained(response, PATIENCE_MS);
  }
}
