/**
 * Finding the segment that holds a position: by halving over the sequences of the stream, between the segments met so far.
 *
 * Promise: a few requests for each place, however long the run is and whatever lies between its segments, and one for the
 * neighbour of a segment that is known.
 */
import { SEGMENT_BYTES, type Segment } from '../segment.js';
import type { StoredRun } from './stored-run.js';

/** What is remembered of a segment. */
type Known = Omit<Segment, 'bytes'>;

/** Finds segments of one run. */
export class SegmentIndex {
  readonly #run: StoredRun;
  readonly #known: Known[]; // by sequence

  constructor(run: StoredRun, first: Segment, last: Segment) {
    this.#run = run;
    this.#known = [withoutBytes(first)];
    this.add(last);
  }

  /** Remembers a segment. */
  add(segment: Segment): void {
    const at = this.#known.findIndex(({ sequence }) => sequence >= segment.sequence);
    if (at === -1) this.#known.push(withoutBytes(segment));
    else if (this.#known[at]?.sequence !== segment.sequence) this.#known.splice(at, 0, withoutBytes(segment));
  }

  /** A sequence from which on the segments are that hold a position and what is after it. */
  sequenceBefore(position: number): number {
    const before = this.#known.findLast(({ start }) => start <= position);
    if (before === undefined) return 1;
    return before.end <= position ? before.sequence + 1 : before.sequence;
  }

  /** The segment that holds a position; undefined where there is none, though there are others before and after it. */
  async find(position: number): Promise<Segment | undefined> {
    let low = this.#known.findLast(({ start }) => start <= position);
    let high = this.#known.find(({ start }) => start > position);
    if (low !== undefined && low.end > position) return this.#run.next(low.sequence);
    let bound = high?.sequence ?? 0; // no segment from here on, and before `high`
    for (let tries = 0; low !== undefined && high !== undefined && bound - low.sequence > 1; tries++) {
      const guess = guessed(position, low, high, bound, tries);
      const found = await this.#run.next(guess);
      if (found === undefined || found.sequence >= bound) {
        bound = guess;
        continue;
      }
      this.add(found);
      if (found.start <= position && position < found.end) return found;
      if (found.end <= position) low = found;
      else {
        high = found;
        bound = found.sequence;
      }
    }
    return undefined;
  }
}

/** The sequence to look at next, between `low` and `bound`: a neighbour, or one in proportion, or the middle. */
function guessed(position: number, low: Known, high: Known, bound: number, tries: number): number {
  const room = bound - low.sequence - 1;
  if (position === low.end || room <= 1) return low.sequence + 1;
  const { follows = 0 } = high;
  const near = high.start - position <= Math.min(2 * SEGMENT_BYTES, 2 * (high.end - high.start));
  if (near && follows > low.sequence && follows < bound) return follows;
  const part = tries % 2 === 0 ? (position - low.end) / (high.start - low.end) : 0.5;
  return low.sequence + 1 + Math.min(room - 1, Math.floor(room * part));
}

function withoutBytes({ bytes: _, ...known }: Segment): Known {
  return known;
}
