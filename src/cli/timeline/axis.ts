/** The time axis of the timeline: from times to places, and the ticks below. Pure. */
import { DAY, HOUR, MINUTE, SECOND } from '../../figures.js';

const MOST_TICKS = 6;

const STEPS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map(seconds => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map(minutes => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map(hours => hours * HOUR),
  DAY,
];

/** A place on the axis and what is written there. */
export interface Tick {
  readonly percent: number;
  readonly label: string;
}

/** Places times between two moments. */
export class Axis {
  readonly #start: number;
  readonly #length: number;

  constructor({ start, end }: { readonly start: number; readonly end: number }) {
    this.#start = start;
    this.#length = Math.max(1, end - start);
  }

  /** Where a time lies, from 0 to 100. */
  percent(time: number): number {
    const percent = ((time - this.#start) / this.#length) * 100;
    return Math.round(Math.min(100, Math.max(0, percent)) * 100) / 100;
  }

  /** Milliseconds since the start. */
  offset(time: number): number {
    return time - this.#start;
  }

  /** At round offsets from the start, six at most. */
  ticks(): Tick[] {
    const step = STEPS.find(candidate => this.#length / candidate < MOST_TICKS) ?? wholeDays(this.#length);
    const ticks: Tick[] = [];
    for (let offset = 0; offset <= this.#length; offset += step) {
      ticks.push({ percent: this.percent(this.#start + offset), label: labelOf(offset, step) });
    }
    return ticks;
  }
}

function wholeDays(length: number): number {
  return Math.ceil(length / DAY / (MOST_TICKS - 1)) * DAY;
}

function labelOf(offset: number, step: number): string {
  if (offset === 0) return '0';
  if (step >= DAY) return `${offset / DAY} d`;
  if (step >= HOUR) return `${offset / HOUR} h`;
  if (step >= MINUTE) return `${offset / MINUTE} min`;
  if (step >= SECOND && offset < MINUTE) return `${offset / SECOND} s`;
  if (step < SECOND) return offset < SECOND ? `${offset} ms` : `${offset / SECOND} s`;
  const seconds = String(Math.round((offset % MINUTE) / SECOND)).padStart(2, '0');
  return `${Math.floor(offset / MINUTE)}:${seconds} min`;
}
