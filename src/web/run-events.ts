/**
 * A window of the events of a run, by number or by a filter.
 *
 * Promise: no more is read than from the nearest place that is remembered, or with a filter what lies between the matches.
 */
import type { EventsAnswer, PlacedEvent } from './api.js';
import { Parameters, RequestError } from './request.js';
import type { RunHub } from './run-hub.js';
import type { RunServerSource } from './source.js';

const NAMES = ['number', 'limit', 'types', 'node', 'from', 'last'];
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
  if (!filtered) return byNumber(source, hub, parameters, limit, signal);
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
  const events: PlacedEvent[] = [];
  for await (const event of reader) events.push({ position: reader.position, event: { ...event } });
  const atEnd = last !== undefined || events.length < limit || reader.position >= hub.view.position;
  return { events, total: hub.view.count, next: reader.position, atEnd };
}

async function byNumber(
  source: RunServerSource,
  hub: RunHub,
  parameters: Parameters,
  limit: number,
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
  const events: PlacedEvent[] = [];
  let number = first - skip;
  if (end > first)
    for await (const event of reader) {
      if (number >= first) events.push({ number, position: reader.position, event: { ...event } });
      number++;
    }
  return { events, total, next: reader.position, atEnd: end >= total };
}

function typesOf(
  names: readonly string[] | undefined,
  types: readonly string[],
): readonly string[] | undefined {
  if (names?.every(name => types.includes(name)) === false)
    throw new RequestError(400, 'request', `types are of ${types.join(', ')}`);
  return names;
}
