/**
 * The copy of a log as a source of bytes: positions are those of the log, and whatever reads the file reads this.
 *
 *     position -> the segment that holds it: held, or the next of a stream of them, or found by halving -> its bytes
 *
 * Promises: a part that is missing between others is `ERR_LOG_CORRUPT`, never passed over; what is before the first segment
 * kept is not there. Memory stays within some MiB, or a few segments where those are larger.
 */
import { EventLogError } from '../../errors.js';
import type { LogSource } from '../../read/log-source.js';
import { orAborted } from '../retry.js';
import type { Segment } from '../segment.js';
import { OrderedSegments } from './ordered-segments.js';
import { SegmentIndex } from './segment-index.js';
import type { StoredRun } from './stored-run.js';

const HELD_BYTES = 2 * 1024 * 1024;
/** Where so many segments are wanted at once they are streamed, not asked for one by one. */
const MANY_SEGMENTS = 4;

/** Reads the copy of one run. */
export class RemoteLog implements LogSource {
  readonly path: string;
  readonly begin: number;
  readonly #run: StoredRun;
  readonly #index: SegmentIndex;
  readonly #closing = new AbortController();
  #held: Segment[] = []; // those used lately, the latest last
  #heldBytes = 0;
  #last: Segment;
  #stream: OrderedSegments | undefined;
  #coming: Segment[] = []; // what the stream has given
  #forwards = false;

  private constructor(run: StoredRun, first: Segment, last: Segment) {
    this.path = run.path;
    this.begin = first.start;
    this.#run = run;
    this.#index = new SegmentIndex(run, first, last);
    this.#last = last;
    for (const segment of first.sequence === last.sequence ? [first] : [first, last]) this.#hold(segment);
  }

  /** Looks at both ends of the copy; `ERR_RUN_NOT_FOUND` where nothing of the run is stored. `asked` is the run with a time limit. */
  static async open(run: StoredRun, asked: StoredRun = run): Promise<RemoteLog> {
    const [first, last] = await Promise.all([asked.next(1), asked.last()]);
    if (first === undefined || last === undefined) throw run.notFound();
    return new RemoteLog(run, first, last);
  }

  /** The run has ended, as far as the copy goes. */
  get ended(): boolean {
    return this.#last.ended;
  }

  size(): number {
    return this.#last.end;
  }

  readonly read = (buffer: Buffer, position: number): Promise<number> =>
    orAborted(this.#read(buffer, position), this.#closing.signal);

  /** From now on it is read forwards only, from `position` on: segments come without being asked for one by one. */
  forwardFrom(position: number): void {
    void this.#stream?.close();
    this.#coming = this.#heldFrom(position);
    const sequence = this.#coming.at(-1)?.sequence;
    const next = sequence === undefined ? this.#index.sequenceBefore(position) : sequence + 1;
    this.#stream = new OrderedSegments(this.#run, next);
    this.#forwards = true;
    this.#held = [];
  }

  /** Waits for what comes after the end; answers also when nothing came for a while. */
  async grow(): Promise<void> {
    this.#closing.signal.throwIfAborted();
    this.#stream ??= new OrderedSegments(this.#run, this.#last.sequence + 1);
    const { end } = this.#last;
    if (!this.#coming.some(segment => segment.end > end)) {
      this.#coming.push(...((await orAborted(this.#stream.next(), this.#closing.signal)) ?? []));
    }
    for (const segment of this.#coming) if (segment.end > this.#last.end) this.#last = segment;
    if (!this.#forwards) this.#index.add(this.#last);
  }

  /** Ends a reading that is under way, with `ERR_LOG_CLOSED`, and gives back what the server holds for it. */
  async close(): Promise<void> {
    const what = 'the reading of the remote copy was closed';
    this.#closing.abort(new EventLogError('ERR_LOG_CLOSED', what, { path: this.path }));
    await this.#stream?.close();
  }

  async #read(buffer: Buffer, position: number): Promise<number> {
    const end = Math.min(position + buffer.length, this.size());
    let at = position;
    while (at < end) {
      const segment = this.#forwards ? await this.#next(at) : await this.#find(at, end);
      if (segment === undefined) {
        if (this.#forwards && at > position) break; // what is before the part that is missing first
        throw this.#run.incomplete(at);
      }
      at += segment.bytes.copy(buffer, at - position, at - segment.start, end - segment.start);
    }
    return at - position;
  }

  /** The segment that holds a position, of those that are streamed; what ends before was sent again, and is passed over. */
  async #next(position: number): Promise<Segment | undefined> {
    for (;;) {
      for (let next = this.#coming[0]; next !== undefined; next = this.#coming[0]) {
        if (next.end > position) return next.start <= position ? next : undefined;
        this.#coming.shift();
      }
      this.#closing.signal.throwIfAborted();
      const segments = (await this.#stream?.next()) ?? [];
      if (segments.length === 0 && !this.#closing.signal.aborted) await this.#checkEnd();
      this.#coming = segments;
    }
  }

  /** The segment that holds a position, wherever that is; those up to `end` come with it where they are many. */
  async #find(position: number, end: number): Promise<Segment | undefined> {
    const held = this.#held.findLast(segment => segment.start <= position && position < segment.end);
    if (held !== undefined) return held;
    const found = await this.#index.find(position);
    if (found === undefined) return undefined;
    this.#hold(found);
    if (end - found.end > MANY_SEGMENTS * found.bytes.length) await this.#holdUpTo(found.sequence + 1, end);
    return found;
  }

  async #holdUpTo(sequence: number, end: number): Promise<void> {
    const stream = new OrderedSegments(this.#run, sequence);
    const { signal } = this.#closing;
    try {
      for (let at = 0; at < end; ) {
        const segments = (await orAborted(stream.next(), signal)) ?? [];
        if (segments.length === 0) return;
        for (const segment of segments) if (segment.start < end) this.#hold(segment);
        at = segments.at(-1)?.end ?? end;
      }
    } finally {
      await stream.close();
    }
  }

  #hold(segment: Segment): void {
    this.#held.push(segment);
    this.#heldBytes += segment.bytes.length;
    for (let oldest = this.#held[0]; oldest !== undefined && this.#held.length > 2; oldest = this.#held[0]) {
      if (this.#heldBytes - oldest.bytes.length <= HELD_BYTES) return;
      this.#heldBytes -= oldest.bytes.length;
      this.#held.shift();
    }
  }

  #heldFrom(position: number): Segment[] {
    const byStart = new Map(this.#held.map(segment => [segment.start, segment]));
    const found: Segment[] = [];
    let next = this.#held.find(({ start, end }) => start <= position && position < end);
    for (; next !== undefined; next = byStart.get(next.end)) found.push(next);
    return found;
  }

  /** Nothing came for a while though there was more: it may be gone. */
  async #checkEnd(): Promise<void> {
    const last = await this.#run.last();
    if (last !== undefined && last.end >= this.#last.end) return;
    const facts = { path: this.path, offset: last?.end };
    throw new EventLogError('ERR_LOG_TRUNCATED', 'the remote copy was cut while it was read', facts);
  }
}
