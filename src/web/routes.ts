/**
 * Which address is answered by what.
 *
 * Promise: a request that makes no sense is an answer that says so; none is answered with something that was not asked for.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EventLogError, messageOf } from '../errors.js';
import { nowMs, sleep } from '../real-time.js';
import type { ErrorAnswer, RunAnswer } from './api.js';
import { formatRunCursor } from './cursors.js';
import { streamList } from './list-stream.js';
import { Outputs } from './outputs.js';
import type { PageFile } from './page-files.js';
import { asRunId, decodePart, Parameters, RequestError } from './request.js';
import { eventsOf } from './run-events.js';
import { type RunHub, RunHubs } from './run-hub.js';
import { RunList } from './run-list.js';
import { streamRun } from './run-stream.js';
import type { RunServerSource } from './source.js';

const API = '/api/v1/';
const RETRY_MS = 2000;
const NOT_BUILT = 'The page was not built into this package. The JSON API is at /api/v1/runs.\n';

/** A request with what is known of it. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** Aborted when the client goes, or the server closes. */
  readonly gone: AbortSignal;
}

/** All there is to ask for. */
export class Routes {
  readonly #source: RunServerSource;
  readonly #page: ReadonlyMap<string, PageFile>;
  readonly #maxStreams: number;
  readonly #closing: AbortSignal;
  readonly #hubs: RunHubs;
  readonly #list: RunList;
  readonly #outputs: Outputs;
  #streams = 0;

  constructor(
    source: RunServerSource,
    page: ReadonlyMap<string, PageFile>,
    maxStreams: number,
    closing: AbortSignal,
  ) {
    this.#source = source;
    this.#page = page;
    this.#maxStreams = maxStreams;
    this.#closing = closing;
    this.#hubs = new RunHubs(source);
    this.#list = new RunList(source.facts, runId => this.#hubs.rowChanged(runId));
    this.#outputs = new Outputs(source, this.#hubs);
    closing.addEventListener('abort', () => this.#hubs.close());
    void this.#watch();
  }

  /** Keeps the list up to date. What fails is tried again: a server may be away, a stream not there yet. */
  async #watch(): Promise<void> {
    while (!this.#closing.aborted) {
      this.#list.begin();
      await this.#source.watch(this.#list, this.#closing).catch((error: unknown) => this.#list.failed(error));
      await sleep(RETRY_MS, undefined, { signal: this.#closing }).catch(() => undefined); // closed
    }
  }

  /** Answers a request. */
  async answer(call: Call): Promise<void> {
    const { pathname } = call.url;
    if (!pathname.startsWith(API)) return this.#answerPage(call);
    const [kind = '', run = '', ...rest] = pathname.slice(API.length).split('/');
    if (kind === 'runs' && run === '' && rest.length === 0) return this.#answerRuns(call);
    if (kind === 'runs') return this.#answerRun(call, asRunId(decodePart(run)), rest);
    if (kind === 'stream' && run === '') return this.#answerStream(call);
    throw nothingHere();
  }

  #answerPage({ url, request, response }: Call): void {
    const { pathname } = url;
    const isPlace = pathname === '/' || /^\/runs\/[^/]*$/.test(pathname); // the page finds its own way from there
    const file = this.#page.get(isPlace ? '/index.html' : pathname);
    if (file === undefined) {
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' });
      response.end(isPlace ? NOT_BUILT : 'There is nothing at this address.\n');
      return;
    }
    response.writeHead(200, {
      'Content-Type': file.type,
      'Content-Length': file.bytes.length,
      'Cache-Control': 'no-cache',
    });
    response.end(request.method === 'HEAD' ? undefined : file.bytes);
  }

  async #answerRuns(call: Call): Promise<void> {
    const names = ['pipe', 'status', 'text', 'before', 'limit', 'runs', 'counts'];
    const parameters = new Parameters(call.url.searchParams, names);
    const runIds = parameters.list('runs', 100)?.map(asRunId);
    const counts = parameters.flag('counts');
    if (counts && runIds === undefined) throw new RequestError(400, 'request', 'counts goes with runs');
    const filter = {
      pipe: parameters.text('pipe'),
      status: parameters.text('status'),
      text: parameters.text('text'),
      before: parameters.runId('before'),
      limit: parameters.integer('limit', 0, 10_000) ?? 1000,
    };
    await this.#list.ready();
    if (runIds === undefined) return sendJson(call, this.#list.page(filter));
    const known = runIds.filter(runId => this.#list.row(runId) !== undefined);
    const rows = [];
    for (const runId of known) {
      const row = this.#list.row(runId);
      if (row === undefined || call.gone.aborted) continue;
      const head = counts
        ? await this.#hubs.using(runId, async hub => hub.head).catch(() => undefined)
        : undefined;
      rows.push(head === undefined ? row : { ...row, counts: head.counts });
    }
    sendJson(call, { ...this.#list.page({ limit: 0 }), runs: rows, total: rows.length });
  }

  async #answerRun(call: Call, runId: string, rest: readonly string[]): Promise<void> {
    const { url, gone } = call;
    const query = url.searchParams;
    const [part, node, output, what, ...more] = rest;
    if (part === undefined) {
      const nodes = query.has('nodes') ? new Parameters(query, ['nodes']).flag('nodes') : true;
      new Parameters(query, ['nodes']);
      return sendJson(call, await this.#hubs.using(runId, async hub => this.#runAnswer(hub, nodes)));
    }
    if (part === 'events' && node === undefined)
      return sendJson(call, await this.#hubs.using(runId, hub => eventsOf(this.#source, hub, query, gone)));
    if (part !== 'nodes' || node === undefined || output !== 'output' || more.length > 0) throw nothingHere();
    const name = { runId, nodeId: decodePart(node) };
    if (what === undefined) return sendJson(call, await this.#outputs.window(name, query, gone));
    if (what === 'search') return sendJson(call, await this.#outputs.search(name, query, gone));
    if (what === 'raw') return this.#outputs.raw(name, call.request, call.response);
    throw nothingHere();
  }

  #runAnswer(hub: RunHub, nodes: boolean): RunAnswer {
    const { view, head: run } = hub;
    const cursor = formatRunCursor({ epoch: view.epoch, position: view.position, count: view.count });
    return { source: this.#source.facts, run, nodes: nodes ? view.nodes() : [], cursor, now: nowMs() };
  }

  async #answerStream({ url, request, response }: Call): Promise<void> {
    const parameters = new Parameters(url.searchParams, ['run', 'after', 'node', 'output', 'last']);
    const header = request.headers['last-event-id'];
    const last = typeof header === 'string' && header !== '' ? header : parameters.text('last');
    const after = parameters.text('after');
    const runId = parameters.runId('run');
    if (request.method === 'HEAD') throw new RequestError(405, 'method', 'a stream has no HEAD');
    if (this.#streams >= this.#maxStreams)
      throw new RequestError(503, 'busy', `${this.#maxStreams} streams are open; close some tabs`);
    this.#streams++;
    try {
      if (runId === undefined) {
        await this.#list.ready();
        return await streamList(this.#list, response, this.#closing, last ?? after);
      }
      const [nodeId, output] = [parameters.text('node'), parameters.text('output')];
      await streamRun(
        this.#source,
        this.#hubs,
        { runId, after, nodeId, output, last },
        response,
        this.#closing,
      );
    } finally {
      this.#streams--;
    }
  }
}

function nothingHere(): RequestError {
  return new RequestError(404, 'path', 'there is nothing at this address');
}

/** Sends an answer as JSON. */
function sendJson(
  { request, response }: Pick<Call, 'request' | 'response'>,
  answer: object,
  status = 200,
): void {
  if (response.destroyed) return;
  const body = Buffer.from(JSON.stringify(answer));
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Says why there is no answer. */
export function sendError(call: Pick<Call, 'request' | 'response'>, error: unknown): void {
  if (call.response.headersSent) {
    call.response.destroy();
    return;
  }
  const answer: ErrorAnswer = { error: { code: codeOf(error), message: messageOf(error) } };
  sendJson(call, answer, statusOf(error));
}

function codeOf(error: unknown): string {
  if (error instanceof RequestError || error instanceof EventLogError) return error.code;
  return 'ERR_SYSTEM';
}

const NOT_FOUND: readonly string[] = ['ERR_RUN_NOT_FOUND', 'ERR_CAPTURE_NOT_FOUND', 'ERR_STREAM_NOT_FOUND'];
const BAD_REQUEST: readonly string[] = ['ERR_INVALID_RUN_ID', 'ERR_INVALID_POSITION', 'ERR_UNSAFE_PATH'];

function statusOf(error: unknown): number {
  if (error instanceof RequestError) return error.status;
  if (!(error instanceof EventLogError)) return 500;
  if (NOT_FOUND.includes(error.code)) return 404;
  return BAD_REQUEST.includes(error.code) ? 400 : 500;
}
