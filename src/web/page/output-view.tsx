/**
 * The output of a node: its lines, followed while they are written, with a find of its own.
 *
 * Promise: following ends at the reader's first gesture, and says so; nothing moves under his eyes after that.
 */

import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { NodeView } from '../api.js';
import { rawOutputAddress } from './api-client.js';
import { useKeys } from './keys.js';
import { OutputLineRow } from './output-line.js';
import { OutputModel } from './output-model.js';
import { currentLine, OutputSearch } from './output-search.js';
import { Button } from './parts.js';
import { useComputed, useSignal } from './reactive.js';
import { choose, type LineRange, route } from './route.js';
import type { RunModel } from './run-model.js';
import { bytes, count, visible } from './text.js';
import { VirtualList } from './virtual-list.js';

const ROW_PX = 20;

interface OutputProps {
  readonly model: RunModel;
  readonly node: NodeView;
  readonly iteration: number | undefined;
}

type Reveal = { readonly index: number; readonly at: 'end' | 'center' };

/** See above. */
export function OutputView({ model, node, iteration }: OutputProps): JSX.Element {
  const { nodeId } = node;
  const loads = model.loads.value;
  const output = useMemo(() => new OutputModel(model, nodeId, iteration), [model, nodeId, iteration, loads]);
  const search = useMemo(() => new OutputSearch(model.runId, nodeId, iteration), [model, nodeId, iteration]);
  useEffect(() => () => output.close(), [output]);
  useEffect(() => () => search.close(), [search]);

  const { lines } = route.value;
  const following = useSignal(lines === undefined);
  const pausedAt = useSignal(0);
  const reveal = useSignal<Reveal | undefined>(undefined);
  const find = useRef<HTMLInputElement>(null);
  const size = output.size.value;
  const found = search.found.value;
  const hit = found === undefined ? undefined : currentLine(found);
  const fresh = useComputed(() => Math.max(0, (output.size.value?.total ?? 0) - pausedAt.value), [output]);

  // Following: whenever lines come, the last one is in view.
  const version = output.lines.version.value;
  useEffect(() => {
    if (following.value && size !== undefined) reveal.value = { index: size.total, at: 'end' };
  }, [version, following.value]);
  // A line that was linked to, and a hit of the search, are brought to the middle.
  const target = hit ?? lines?.first;
  useEffect(() => {
    if (target === undefined || size === undefined) return;
    stop();
    reveal.value = { index: target - size.first, at: 'center' };
  }, [target, size === undefined]);

  const stop = () => {
    if (!following.value) return;
    following.value = false;
    pausedAt.value = output.size.value?.total ?? 0;
  };
  const resume = () => {
    following.value = true;
    if (route.value.lines !== undefined) choose({ lines: undefined }, 'replace');
  };
  const onGesture = (towards: 'start' | 'end') => {
    if (towards === 'start') stop();
  };
  useKeys({
    '/': () => find.current?.focus(),
    f: () => (following.value ? stop() : resume()),
    g: () => {
      stop();
      reveal.value = { index: 0, at: 'center' };
    },
    G: () => resume(),
  });
  useEffect(() => {
    const onSelect = () => {
      const selection = getSelection();
      if (selection?.isCollapsed === false && box.current?.contains(selection.anchorNode) === true) stop();
    };
    document.addEventListener('selectionchange', onSelect);
    return () => document.removeEventListener('selectionchange', onSelect);
  }, [output]);
  const box = useRef<HTMLDivElement>(null);

  const pick = (number: number, extend: boolean) => {
    const chosen = route.value.lines;
    const range: LineRange =
      extend && chosen !== undefined
        ? { first: Math.min(chosen.first, number), last: Math.max(chosen.first, number) }
        : { first: number, last: number };
    stop();
    choose({ node: nodeId, iteration, lines: range }, 'replace');
  };

  return (
    <div class="output" ref={box}>
      <div class="bar-of-tools">
        <label>
          Find{' '}
          <input
            ref={find}
            type="search"
            aria-label="Find in the whole output"
            onInput={event => void search.search(event.currentTarget.value)}
            onKeyDown={event => {
              if (event.key === 'Enter') search.step(event.shiftKey ? -1 : 1);
              if (event.key === 'Escape') event.currentTarget.blur();
            }}
          />
        </label>
        <output class="found">
          {search.busy.value ? 'searching' : ''}
          {found === undefined
            ? ''
            : found.answer.lines === 0
              ? 'not found'
              : `${found.current + 1} of ${count(found.answer.lines, 'line')}, ${found.answer.matches} in all`}
        </output>
        <Button onClick={() => search.step(-1)} disabled={found === undefined} aria-label="Previous hit">
          ↑
        </Button>
        <Button onClick={() => search.step(1)} disabled={found === undefined} aria-label="Next hit">
          ↓
        </Button>
        <span class="space" />
        {size && <span class="faint">{`${count(size.total, 'line')}, ${bytes(size.bytes)}`}</span>}
        <a href={rawOutputAddress(model.runId, nodeId)} target="_blank" rel="noopener">
          Whole file
        </a>
        <Button aria-pressed={following.value} onClick={() => (following.value ? stop() : resume())}>
          {following.value ? 'Following' : 'Follow'}
        </Button>
      </div>
      {following.value || node.status !== 'running' ? null : (
        <p class="paused" role="status">
          Paused{fresh.value > 0 ? `: ${count(fresh.value, 'new line')}` : ''}.{' '}
          <Button onClick={resume}>Follow (f)</Button>
        </p>
      )}
      {size === undefined ? (
        <p class="empty">{visible(output.failure.value ?? 'Loading')}</p>
      ) : (
        <VirtualList
          count={size.total}
          rowHeight={ROW_PX}
          label="Output"
          class="lines"
          reveal={reveal.value}
          onGesture={onGesture}
          row={index => {
            const number = size.first + index;
            return (
              <OutputLineRow
                number={number}
                line={output.lines.at(number)}
                chosen={lines !== undefined && number >= lines.first && number <= lines.last}
                hit={number === hit}
                query={search.found.value === undefined ? '' : search.query}
                pick={pick}
                whole={line => output.wholeLine(line)}
              />
            );
          }}
        />
      )}
    </div>
  );
}
