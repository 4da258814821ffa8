/**
 * A window of the events of a run, by number or by a filter.
 *
 * Promises: no more is read than from the nearest place that is remembered, or with a filter what lies between the matches. A page
 * is bounded, whatever its events hold.
 */
import type { EventsAnswer, PlacedEvent } from './api.js';
import { asItIs, MOST_OF_PAGE, placed, sizeOf } from './placed.js';
import { Parameters, RequestError } from './request.js';
import type { RunHub } from './run-hub.js';
import type { RunServerSource } from './source.js';

const NAMES = ['number', 'limit', 'types', 'node', 'from', 'last', 'whole'];
const MOST = 1000;

/** Answers what a query asks for. */
export async function eventsOf(
  source: RunServerSource,
  hub: RunHub,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<EventsAnswer> {
  const parameters = new Parameters(query, NAMES);
  const limit = parameters.integer('limit', 0, MOST) ?? 200;
  const filtered = ['types', 'node', 'from', 'last'].some(name => query.has(name));
  const whole = parameters.flag('whole');
  if (whole && (filtered || limit !== 1))
    throw new RequestError(400, 'request', 'whole goes with number and limit=1');
  if (!filtered) return byNumber(source, hub, parameters, { limit, whole }, signal);
  if (query.has('number')) throw new RequestError(400, 'request', 'number goes with limit alone');
  const last = parameters.integer('last', 0, MOST);
  const { vocabulary } = hub.view;
  const { types } = vocabulary;
  const reader = source.read(hub.view.runId, {
    events: vocabulary,
    from: parameters.integer('from', 0, Number.MAX_SAFE_INTEGER) ?? 0,
    types: typesOf(parameters.list('types', types.length), types),
    nodeId: parameters.text('node'),
    onMalformed: () => undefined,
    signal,
    ...(last === undefined ? { limit } : { last }),
  });
  const page = new Page(last !== undefined);
  for await (const event of reader) if (!page.add(placed(event, reader.position))) break;
  const { events, isFull } = page;
  const next = isFull ? (events.at(-1)?.position ?? 0) : reader.position;
  const isDone = last !== undefined || (!isFull && events.length < limit);
  return { events, total: hub.view.count, next, atEnd: isDone || next >= hub.view.position };
}

async function byNumber(
  source: RunServerSource,
  hub: RunHub,
  parameters: Parameters,
  { limit, whole }: { readonly limit: number; readonly whole: boolean },
  signal: AbortSignal,
): Promise<EventsAnswer> {
  const { view } = hub;
  const wanted = parameters.integer('number', -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? 0;
  const total = view.count;
  const first = Math.min(wanted < 0 ? Math.max(0, total + wanted) : wanted, total);
  const end = Math.min(first + limit, total);
  const { from, skip } = view.placeOf(first);
  const count = skip + end - first;
  const reader = source.read(view.runId, {
    events: view.vocabulary,
    from,
    limit: count,
    onMalformed: () => undefined,
    signal,
  });
  const page = new Page(false);
  let number = first - skip;
  if (end > first)
    for await (const event of reader) {
      if (number >= first && !page.add({ number, ...(whole ? asItIs : placed)(event, reader.position) }))
        break;
      number++;
    }
  const { events, isFull } = page;
  const next = isFull ? (events.at(-1)?.position ?? from) : reader.position;
  return { events, total, next, atEnd: !isFull && end >= total };
}

/** The events of an answer: as many as there is room for. */
class Page {
  readonly events: PlacedEvent[] = [];
  /** Whether an event was left out. */
  isFull = false;
  readonly #keepsLast: boolean;
  #size = 0;

  /** With `keepsLast` the first ones make room for the last ones. */
  constructor(keepsLast: boolean) {
    this.#keepsLast = keepsLast;
  }

  /** Whether the next event may fit as well. */
  add(event: PlacedEvent): boolean {
    const size = sizeOf(event);
    const fits = this.events.length === 0 || this.#size + size <= MOST_OF_PAGE;
    if (!fits) this.isFull = true;
    if (!fits && !this.#keepsLast) return false;
    this.events.push(event);
    this.#size += size;
    while (this.#size > MOST_OF_PAGE && this.events.length > 1) {
      const first = this.events.shift();
      if (first !== undefined) this.#size -= sizeOf(first);
    }
    return true;
  }
}

function typesOf(
  names: readonly string[] | undefined,
  types: readonly string[],
): readonly string[] | undefined {
  if (names?.every(name => types.includes(name)) === false)
    throw new RequestError(400, 'request', `types are of ${types.join(', ')}`);
  return names;
}
