/** Asking the server: one function for each answer of its API. A failed request is an `ApiError` with the server's words. */
import type { ErrorAnswer, EventsAnswer, OutputAnswer, RunAnswer, RunsAnswer, SearchAnswer } from '../api.js';
import { setClock } from './time.js';

const API = '/api/v1';

/** What a request was refused with. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(status: number, { error }: ErrorAnswer) {
    super(error.message);
    this.code = error.code;
    this.status = status;
  }
}

type Parameters = Readonly<Record<string, string | number | undefined>>;

/** The list of runs. */
export async function getRuns(parameters: Parameters, signal: AbortSignal): Promise<RunsAnswer> {
  const answer = await get<RunsAnswer>('/runs', parameters, signal);
  setClock(answer.now);
  return answer;
}

/** One run as a whole. */
export async function getRun(
  runId: string,
  signal: AbortSignal,
  parameters: Parameters = {},
): Promise<RunAnswer> {
  const answer = await get<RunAnswer>(runPath(runId), parameters, signal);
  setClock(answer.now);
  return answer;
}

/** A window of its events. */
export function getEvents(
  runId: string,
  parameters: Parameters,
  signal?: AbortSignal,
): Promise<EventsAnswer> {
  return get(`${runPath(runId)}/events`, parameters, signal);
}

/** Where an event is as it is in the log, by its number. */
export function wholeEventAddress(runId: string, number: number): string {
  return `${API}${runPath(runId)}/events${queryOf({ number, limit: 1, whole: 1 })}`;
}

/** A window of a node's output. */
export function getOutput(
  runId: string,
  node: string,
  parameters: Parameters,
  signal?: AbortSignal,
): Promise<OutputAnswer> {
  return get(outputPath(runId, node), parameters, signal);
}

/** All places of a text in an output. */
export function searchOutput(
  runId: string,
  node: string,
  parameters: Parameters,
  signal: AbortSignal,
): Promise<SearchAnswer> {
  return get(`${outputPath(runId, node)}/search`, parameters, signal);
}

/** Where the bytes of an output are, as they are. */
export function rawOutputAddress(runId: string, node: string): string {
  return `${API}${outputPath(runId, node)}/raw`;
}

/** Where messages come from. */
export function streamAddress(parameters: Parameters): string {
  return `${API}/stream${queryOf(parameters)}`;
}

function runPath(runId: string): string {
  return `/runs/${encodeURIComponent(runId)}`;
}

function outputPath(runId: string, node: string): string {
  return `${runPath(runId)}/nodes/${encodeURIComponent(node)}/output`;
}

async function get<Answer>(path: string, parameters: Parameters, signal?: AbortSignal): Promise<Answer> {
  const response = await fetch(`${API}${path}${queryOf(parameters)}`, {
    headers: { accept: 'application/json' },
    ...(signal === undefined ? {} : { signal }),
  });
  if (response.ok) return response.json();
  const text = await response.text();
  throw new ApiError(
    response.status,
    errorIn(text) ?? { error: { code: '', message: text || response.statusText } },
  );
}

function errorIn(text: string): ErrorAnswer | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy between answers in words of its own
  }
}

function queryOf(parameters: Parameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query}`;
}
