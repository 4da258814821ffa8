/**
 * The time axis of a run: from times to places between 0 and 1, with zoom, and with idle gaps folded where that is wanted.
 *
 * Promise: both ends of the run can be reached at every zoom, and where a gap is folded the axis says how long it is.
 */

/** A stretch of time in which something ran. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** A stretch of time in which nothing ran, and where it is drawn. */
export interface Gap {
  readonly at: number;
  readonly lengthMs: number;
}

interface Knot {
  readonly time: number;
  readonly at: number;
}

/** Which part of the axis is in view, from 0 to 1. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export const WHOLE: Window = { from: 0, to: 1 };

/** The least part of the axis that a zoom shows. */
const LEAST = 1e-5;
/** A gap is folded where it is longer than this part of the whole, and drawn this wide. */
const LONG_GAP = 0.05;
const FOLDED = 0.015;

/** Places times. */
export class TimeAxis {
  readonly #start: number;
  readonly #end: number;
  readonly #window: Window;
  /** Times and where they are on the whole axis, rising; between two of them time runs evenly. */
  readonly #knots: Knot[];
  readonly gaps: Gap[] = [];

  constructor(extent: Stretch, busy: readonly Stretch[], folded: boolean, window: Window) {
    this.#start = extent.start;
    this.#end = Math.max(extent.end, extent.start + 1);
    this.#window = window;
    const gaps = folded ? longGaps(busy, this.#start, this.#end) : [];
    const left = gaps.reduce((sum, { start, end }) => sum - (end - start), this.#end - this.#start);
    const perMs = (1 - gaps.length * FOLDED) / Math.max(1, left);
    this.#knots = [{ time: this.#start, at: 0 }];
    let [time, at] = [this.#start, 0];
    for (const gap of gaps) {
      at += (gap.start - time) * perMs;
      this.#knots.push({ time: gap.start, at }, { time: gap.end, at: at + FOLDED });
      this.gaps.push({ at: this.#inWindow(at + FOLDED / 2), lengthMs: gap.end - gap.start });
      at += FOLDED;
      time = gap.end;
    }
    this.#knots.push({ time: this.#end, at: 1 });
  }

  /** Where a time is: 0 is the left edge of what is in view, 1 the right one. */
  place(time: number): number {
    return this.#inWindow(this.#between('time', 'at', time));
  }

  /** The time at a place. */
  timeAt(place: number): number {
    return this.#between('at', 'time', this.#window.from + place * (this.#window.to - this.#window.from));
  }

  /** From one measure to the other, evenly between the knots on either side. */
  #between(from: keyof Knot, to: keyof Knot, value: number): number {
    const after = this.#knots.findIndex(knot => knot[from] >= value);
    const index = after === -1 ? this.#knots.length - 1 : Math.max(1, after);
    const [a, b] = this.#knots.slice(index - 1, index + 1);
    if (a === undefined || b === undefined) return 0;
    return a[to] + ((value - a[from]) / (b[from] - a[from])) * (b[to] - a[to]);
  }

  /** Round times in view, with what they are after the start; as many as there is room for. */
  ticks(most: number): { readonly at: number; readonly offsetMs: number }[] {
    const [first, last] = [this.timeAt(0) - this.#start, this.timeAt(1) - this.#start];
    const step =
      STEPS_MS.find(candidate => (last - first) / candidate <= most) ?? niceStep((last - first) / most);
    const ticks = [];
    for (let offsetMs = Math.ceil(first / step) * step; offsetMs <= last; offsetMs += step) {
      ticks.push({ at: this.place(this.#start + offsetMs), offsetMs });
    }
    return ticks;
  }

  #inWindow(at: number): number {
    return (at - this.#window.from) / (this.#window.to - this.#window.from);
  }
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const STEPS_MS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map(seconds => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map(minutes => minutes * MINUTE),
  ...[1, 2, 3, 6, 12, 24].map(hours => hours * HOUR),
];

function niceStep(least: number): number {
  return Math.ceil(least / (24 * HOUR)) * 24 * HOUR;
}

function longGaps(busy: readonly Stretch[], start: number, end: number): Stretch[] {
  const sorted = [...busy].sort((a, b) => a.start - b.start);
  const gaps: Stretch[] = [];
  let reached = start;
  for (const stretch of [...sorted, { start: end, end }]) {
    if (stretch.start - reached > LONG_GAP * (end - start)) gaps.push({ start: reached, end: stretch.start });
    reached = Math.max(reached, stretch.end);
  }
  return gaps;
}

/** The part in view after a zoom around a place (0 to 1 of what is in view). */
export function zoomed({ from, to }: Window, factor: number, around = 0.5): Window {
  const width = Math.min(1, Math.max(LEAST, (to - from) * factor));
  const centre = from + (to - from) * around;
  return shiftedTo(centre - width * around, width);
}

/** The part in view after moving by a share of it. */
export function panned({ from, to }: Window, share: number): Window {
  return shiftedTo(from + (to - from) * share, to - from);
}

function shiftedTo(from: number, width: number): Window {
  const start = Math.min(1 - width, Math.max(0, from));
  return { from: start, to: start + width };
}
