/**
 * A list that draws the rows in view and no others: rows of one height, any number of them.
 *
 * Promise: ten million rows scroll as ten do. Browsers end an element at some million pixels; beyond that the scroll bar is
 * scaled, and the wheel still moves by rows.
 */
import {
  type ComponentChildren,
  Fragment,
  type JSX,
  type TargetedKeyboardEvent,
  type TargetedWheelEvent,
} from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** The tallest element that every browser takes, with room to spare. */
const TALLEST_PX = 12_000_000;
const EXTRA_ROWS = 6;

/** What a list shows. */
export interface VirtualListProps {
  readonly count: number;
  readonly rowHeight: number;
  /** Draws the row at an index; the element is given its place. */
  readonly row: (index: number) => ComponentChildren;
  /** The row to bring into view whenever this changes; undefined leaves the reader where he is. */
  readonly reveal?: { readonly index: number; readonly at: 'end' | 'center' | 'nearest' } | undefined;
  /** Called with the rows in view, the last not included. */
  readonly onView?: (first: number, end: number) => void;
  /** Called when a person moves the list, and not when it moves by itself. */
  readonly onGesture?: (towards: 'start' | 'end') => void;
  readonly label: string;
  readonly class?: string;
  /** Draw all rows, the first 5000 at most: for print. */
  readonly whole?: boolean;
}

/** See above. */
export function VirtualList(props: VirtualListProps): JSX.Element {
  const { count, rowHeight, row, reveal, onView, onGesture, label, whole = false } = props;
  const box = useRef<HTMLElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const full = count * rowHeight;
  const tall = Math.min(full, TALLEST_PX);
  const scaled = full > tall;
  const fits = Math.max(1, Math.ceil(view.height / rowHeight));
  // Scaled: the share of the way that the scroll bar has gone is the share of the rows.
  const exact = scaled
    ? (view.top / Math.max(1, tall - view.height)) * Math.max(0, count - view.height / rowHeight)
    : view.top / rowHeight;
  const first = Math.max(0, Math.floor(exact) - EXTRA_ROWS);
  const end = Math.min(count, Math.floor(exact) + fits + 1 + EXTRA_ROWS);

  const measure = () => {
    const element = box.current;
    if (element !== null) setView({ top: element.scrollTop, height: element.clientHeight });
  };
  useLayoutEffect(measure, [count]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => onView?.(Math.max(0, Math.floor(exact)), end), [first, end, count]);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || reveal === undefined) return;
    const place = placeFor(reveal, { exact, fits: element.clientHeight / rowHeight, count });
    if (place === undefined) return;
    const most = Math.max(0, count - element.clientHeight / rowHeight);
    element.scrollTop = scaled
      ? (place / Math.max(1, most)) * (tall - element.clientHeight)
      : place * rowHeight;
    measure();
  }, [reveal?.index, reveal?.at, reveal]);

  const onWheel = (event: TargetedWheelEvent<HTMLElement>) => {
    if (event.deltaY !== 0) onGesture?.(event.deltaY < 0 ? 'start' : 'end');
    if (!scaled || event.ctrlKey) return;
    event.preventDefault();
    const rows = event.deltaMode === 0 ? event.deltaY / rowHeight : event.deltaY;
    event.currentTarget.scrollTop += (rows / count) * tall;
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLElement>) => {
    if (['ArrowUp', 'PageUp', 'Home'].includes(event.key)) onGesture?.('start');
    if (['ArrowDown', 'PageDown', 'End'].includes(event.key)) onGesture?.('end');
  };

  const shown = whole ? { from: 0, to: Math.min(count, 5000) } : { from: first, to: end };
  const rows: JSX.Element[] = [];
  for (let index = shown.from; index < shown.to; index++) {
    const top = scaled ? view.top + (index - exact) * rowHeight : index * rowHeight;
    rows.push(
      <div
        key={index}
        class="row"
        style={whole ? {} : { transform: `translateY(${top}px)`, height: `${rowHeight}px` }}
      >
        <Fragment>{row(index)}</Fragment>
      </div>,
    );
  }
  return (
    // A region that scrolls must take the focus, or a keyboard cannot scroll it.
    <section
      ref={box}
      class={`virtual ${whole ? 'whole' : ''} ${props.class ?? ''}`}
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
      tabIndex={0}
      onScroll={measure}
      onWheel={onWheel}
      onTouchMove={() => onGesture?.('start')}
      onKeyDown={onKeyDown}
    >
      <div class="rows" style={whole ? {} : { height: `${tall}px` }}>
        {rows}
      </div>
    </section>
  );
}

/** The row that must be on top, so that another is in view; undefined where it is already. */
function placeFor(
  { index, at }: { index: number; at: 'end' | 'center' | 'nearest' },
  { exact, fits, count }: { exact: number; fits: number; count: number },
): number | undefined {
  const most = Math.max(0, count - fits);
  if (at === 'end') return most;
  if (at === 'center') return Math.min(most, Math.max(0, index - fits / 2));
  if (index < exact) return index;
  return index + 1 > exact + fits ? Math.min(most, index + 1 - fits) : undefined;
}
