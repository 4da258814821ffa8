/**
 * A disk in memory that loses power, and is as unkind about it as a real one may be.
 *
 * What is written shows at once (`content`) but stays only once its pages were flushed; changes of size and cuts reach
 * the disk in order. A flush may be for the pages of one write alone. A flush that fails leaves pages clean that never
 * arrived, so that no later flush brings them. A power cut keeps what was flushed and any part of the rest.
 */

const PAGE_BYTES = 4096;
const SECTOR_BYTES = 512;
/** The greatest number that dice show. */
export const ALL_BITS: number = 2 ** 31 - 1;

/** The file before a cut that has not reached the disk. */
interface Uncut {
  readonly content: Buffer;
  readonly dirty: ReadonlySet<number>;
  /** The size it was cut to. */
  readonly cutTo: number;
}

/** A copy saved beside the log; until it is durable, a power cut leaves any part of it, or nothing. */
export interface Copy {
  bytes: Buffer;
  durable: boolean;
}

/** One log, and the copies beside it. */
export class CrashDisk {
  /** What readers see. */
  content: Buffer = Buffer.alloc(0);
  /** Copies saved beside the log, by path. */
  readonly saved: Map<string, Copy> = new Map();
  readonly #dice: number[];
  #kept: Buffer = Buffer.alloc(0); // what a power cut surely leaves
  #dirty: ReadonlySet<number> = new Set(); // pages of the content that are not in it
  #uncut: Uncut[] = [];

  /** @param dice - decide, number by number, what a failed flush and a power cut leave; zeros when they are used up. */
  constructor(dice: readonly number[] = []) {
    this.#dice = [...dice];
  }

  /** A number from 0 to `most`. */
  roll(most: number): number {
    return (this.#dice.shift() ?? 0) % (most + 1);
  }

  write(bytes: Uint8Array): void {
    const start = this.content.length;
    this.content = Buffer.concat([this.content, bytes]);
    this.#dirty = new Set([...this.#dirty, ...pagesOf(start, this.content.length)]);
  }

  truncate(size: number): void {
    this.#uncut.push({ content: this.content, dirty: this.#dirty, cutTo: size });
    this.content = this.content.subarray(0, size);
    this.#dirty = new Set([...this.#dirty].filter(page => page * PAGE_BYTES < size));
  }

  /** Brings the pages from `start` on to the disk. */
  flush(start = 0): void {
    this.#settleSize();
    this.#clean(start, () => true);
  }

  /** The same, failing: any of the pages arrive, none is tried again. */
  failFlush(start: number): void {
    const arrives = this.roll(1) === 1;
    if (arrives) this.#settleSize();
    this.#clean(start, () => arrives && this.roll(1) === 1);
  }

  /** What was not flushed stays or goes, in part, as the dice say. */
  powerCut(): void {
    const moments = [...this.#uncut, { content: this.content, dirty: this.#dirty, cutTo: 0 }];
    const cuts = moments.slice(0, this.roll(moments.length - 1)); // these reached the disk
    const { content, dirty } = moments[cuts.length] ?? { content: this.content, dirty: this.#dirty };
    const base = this.#kept.subarray(0, Math.min(this.#kept.length, ...cuts.map(({ cutTo }) => cutTo)));
    const most = content.length - base.length;
    const left = resized(base, base.length + (this.roll(1) === 1 ? most : this.roll(most)));
    const unit = this.roll(1) === 1 ? PAGE_BYTES : SECTOR_BYTES;
    const arrived = this.roll(ALL_BITS);
    for (const page of dirty) {
      const end = Math.min((page + 1) * PAGE_BYTES, left.length);
      for (let at = page * PAGE_BYTES; at < end; at += unit) {
        if ((arrived >> ((at / unit) % 31)) & 1) content.copy(left, at, at, Math.min(at + unit, end));
      }
    }
    this.content = left;
    this.#kept = left;
    this.#dirty = new Set();
    this.#uncut = [];
    for (const [path, copy] of this.saved) this.#loseCopy(path, copy);
  }

  #loseCopy(path: string, copy: Copy): void {
    if (copy.durable) return;
    if (this.roll(1) === 0) this.saved.delete(path);
    else copy.bytes = copy.bytes.subarray(0, this.roll(copy.bytes.length));
  }

  #settleSize(): void {
    const base = Math.min(this.#kept.length, ...this.#uncut.map(({ cutTo }) => cutTo));
    this.#kept = resized(this.#kept.subarray(0, base), this.content.length);
    this.#uncut = [];
  }

  /** Takes the pages from `start` on for clean; copies those that arrive. */
  #clean(start: number, arrives: () => boolean): void {
    const first = Math.floor(start / PAGE_BYTES);
    for (const page of this.#dirty) {
      const at = page * PAGE_BYTES;
      if (page >= first && arrives()) this.content.copy(this.#kept, at, at, at + PAGE_BYTES);
    }
    this.#dirty = new Set([...this.#dirty].filter(page => page < first));
  }
}

function pagesOf(start: number, end: number): number[] {
  const first = Math.floor(start / PAGE_BYTES);
  return Array.from({ length: Math.ceil(end / PAGE_BYTES) - first }, (_, index) => first + index);
}

/** A copy with zeros after it, or with its end cut off. */
function resized(bytes: Buffer, size: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(Math.max(0, size - bytes.length))], size);
}
