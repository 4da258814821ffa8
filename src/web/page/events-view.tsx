/**
 * The events of a run, in windows by their number; one is opened to see all its fields.
 *
 * Promise: an event that the server has shortened says so, in the list and opened, and leads to the whole one.
 */

import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { ApiEvent, NodeView, PlacedEvent } from '../api.js';
import { getEvents, wholeEventAddress } from './api-client.js';
import { useKeys } from './keys.js';
import { Button } from './parts.js';
import { useSignal } from './reactive.js';
import type { RunModel } from './run-model.js';
import { count, visible } from './text.js';
import { clock, moment, offsetOf, zone } from './time.js';
import { VirtualList } from './virtual-list.js';
import { WINDOW, Windows } from './windows.js';

const ROW_PX = 24;
const OF_NODE = 1000;

interface EventsProps {
  readonly model: RunModel;
  readonly node: NodeView | undefined;
}

/** See above. */
export function EventsView({ model, node }: EventsProps): JSX.Element {
  const onlyNode = useSignal(false);
  const opened = useSignal<PlacedEvent | undefined>(undefined);
  const ofNode = useSignal<readonly PlacedEvent[]>([]);
  const reveal = useSignal<{ readonly index: number; readonly at: 'end' | 'center' } | undefined>(undefined);
  const loads = model.loads.value;
  const total = useSignal(0);
  const windows = useMemo(() => {
    const load = async (number: number, signal?: AbortSignal) => {
      const events: PlacedEvent[] = [];
      for (let isDone = false; !isDone; ) {
        const next = { number: number + events.length, limit: WINDOW - events.length };
        const answer = await getEvents(model.runId, next, signal); // a page of long events ends early
        total.value = Math.max(total.value, answer.total);
        events.push(...answer.events);
        isDone = answer.atEnd || answer.events.length === 0 || events.length >= WINDOW;
      }
      return events;
    };
    return new Windows<PlacedEvent>(load);
  }, [model, loads]);
  useEffect(() => {
    windows.at(-1); // the end of the log is looked at first
    return () => windows.ending.abort();
  }, [windows]);
  const latest = model.latest.value;
  useEffect(() => {
    if (latest?.number === undefined) return;
    windows.keep([latest]);
    total.value = Math.max(total.value, latest.number + 1);
  }, [latest, windows]);
  const filtered = onlyNode.value ? node : undefined;
  useEffect(() => {
    if (filtered === undefined) return undefined;
    const ending = new AbortController();
    getEvents(model.runId, { node: filtered.nodeId, last: OF_NODE }, ending.signal)
      .then(answer => (ofNode.value = answer.events))
      .catch(() => undefined); // asked again with the node's next event
    return () => ending.abort();
  }, [filtered?.nodeId, filtered?.lastEvent, loads]);
  useEffect(() => {
    if (total.value > 0 && reveal.value === undefined) reveal.value = { index: total.value, at: 'end' };
  }, [total.value]);
  useKeys({
    g: () => (reveal.value = { index: 0, at: 'center' }),
    G: () => (reveal.value = { index: total.value, at: 'end' }),
  });
  const shown = filtered === undefined ? total.value : ofNode.value.length;
  windows.version.value; // lines that came since the last drawing
  return (
    <div class="events">
      <div class="bar-of-tools">
        <span class="faint">{`${count(shown, 'event')}, times in ${offsetOf(Date.now(), zone.value)}`}</span>
        {node && (
          <label>
            <input
              type="checkbox"
              checked={onlyNode.value}
              onChange={() => (onlyNode.value = !onlyNode.value)}
            />{' '}
            only of {visible(node.nodeId)} (the last {OF_NODE})
          </label>
        )}
      </div>
      <VirtualList
        count={shown}
        rowHeight={ROW_PX}
        label="Events"
        reveal={reveal.value}
        row={index => {
          const placed = filtered === undefined ? windows.at(index) : ofNode.value[index];
          if (placed === undefined) return <span class="event">…</span>;
          const { event } = placed;
          return (
            <Button
              class={`event ${opened.value?.event.id === event.id ? 'chosen' : ''}`}
              aria-expanded={opened.value?.event.id === event.id}
              onClick={() => (opened.value = opened.value?.event.id === event.id ? undefined : placed)}
            >
              <span class="when">{clock(Date.parse(event.ts), zone.value) || visible(event.ts)}</span>
              <span class="type">{visible(event.type)}</span>
              <span class="what">
                {placed.shortened && <span class="shortened">shortened</span>}
                {visible(summaryOf(event))}
              </span>
            </Button>
          );
        }}
      />
      {opened.value && <Details runId={model.runId} placed={opened.value} />}
    </div>
  );
}

interface DetailsProps {
  readonly runId: string;
  readonly placed: PlacedEvent;
}

function Details({ runId, placed }: DetailsProps): JSX.Element {
  const { event, number, position } = placed;
  return (
    <section class="details" aria-label="One event">
      <p class="faint">
        {number === undefined ? '' : `event ${number + 1}, `}
        {moment(event.ts, zone.value)}, the log goes on at byte {position}
      </p>
      {placed.shortened && (
        <p>
          <span class="shortened">shortened</span>
          The middle of its long texts is left out here.{' '}
          {number !== undefined && (
            <a href={wholeEventAddress(runId, number)} target="_blank" rel="noopener">
              Whole event, as JSON
            </a>
          )}
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the focus */}
      <pre tabIndex={0}>{visible(JSON.stringify(event, null, 2))}</pre>
    </section>
  );
}

const COMMON = new Set(['type', 'id', 'ts', 'run_id']);
const LONGEST = 300;

/** The fields of an event in one line. */
function summaryOf(event: ApiEvent): string {
  return Object.entries(event)
    .filter(([name]) => !COMMON.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
    .slice(0, LONGEST);
}
