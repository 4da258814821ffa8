/**
 * The captured output of a node, opened for reading: any window of it, while it may grow or be cut.
 *
 * Promises: `nodes/<node>.out` of the run is what is read, and no link is followed to it; what a log says in `output_path` is not
 * looked at. No more is read, or kept in memory, than the window asked for. Nothing is changed.
 */
import fs from 'node:fs';
import { systemError } from '../../errors.js';
import { readFully } from '../../volume/open-log.js';
import { capturePath, placesOf } from '../../volume/places.js';
import { openCapture } from '../iterations.js';

/** A stretch of the file, in bytes: from `start` up to, not including, `end`. */
export interface Bounds {
  readonly start: number;
  readonly end: number;
}

/** A window of text. */
export interface OutputText extends Bounds {
  /** Bytes that are not UTF-8 are U+FFFD. */
  readonly text: string;
}

/** A character takes so many bytes at most. */
const LONGEST_CHARACTER = 4;

/** An open output; whoever opens it closes it. */
export class NodeOutput {
  readonly path: string;
  readonly #fd: number;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /**
   * Opens the output of a node.
   *
   * @throws EventLogError `ERR_INVALID_RUN_ID`, `ERR_CAPTURE_NOT_FOUND`, `ERR_UNSAFE_PATH` (also for a node id that is not a file name),
   * `ERR_SYSTEM`.
   */
  static async open(root: string, runId: string, nodeId: string): Promise<NodeOutput> {
    const places = placesOf(root, runId);
    const path = capturePath(places, nodeId);
    return new NodeOutput(path, await openCapture(places, path));
  }

  /** Its size in bytes at this moment. */
  get size(): number {
    return this.look().size;
  }

  /** Which file it is: another one at the same path has another name. */
  get file(): string {
    return this.look().file;
  }

  /** Which file it is, its size in bytes, and when it was last written to, in milliseconds since the epoch. */
  look(): { readonly file: string; readonly size: number; readonly changedAt: number } {
    try {
      const { dev, ino, size, mtimeMs } = fs.fstatSync(this.#fd);
      return { file: `${dev.toString(36)}-${ino.toString(36)}`, size, changedAt: mtimeMs };
    } catch (error) {
      throw systemError('the output could not be looked at', this.path, error);
    }
  }

  /** Fills `buffer` from `position`; fewer bytes only at the end of the file. */
  async read(buffer: Buffer, position: number): Promise<number> {
    try {
      return await readFully(this.#fd, buffer, position);
    } catch (error) {
      throw systemError('the output could not be read', this.path, error);
    }
  }

  /**
   * Reads the text of a window, moved to the limits of characters: a character that begins before it is left out, one that
   * ends after it as well, unless nothing would be left.
   *
   * @param from - a byte; negative: from the end of `bounds`.
   */
  async text(from: number, bytes: number, bounds?: Bounds): Promise<OutputText> {
    const within = this.within(bounds);
    const wanted = from < 0 ? within.end + from : from;
    const start = Math.min(Math.max(wanted, within.start), within.end);
    const buffer = Buffer.allocUnsafe(Math.min(bytes, within.end - start));
    const read = buffer.subarray(0, await this.read(buffer, start));
    const first = start === within.start ? 0 : firstCharacter(read);
    const last = start + read.length >= within.end ? read.length : lastCharacter(read);
    const [cut, end] = first < last ? [first, last] : [0, read.length];
    return { start: start + cut, end: start + end, text: read.toString('utf8', cut, end) };
  }

  /** Bounds within the file as it is now; all of it by default. */
  within(bounds?: Bounds): Bounds {
    const { size } = this;
    const start = Math.min(bounds?.start ?? 0, size);
    return { start, end: Math.max(start, Math.min(bounds?.end ?? size, size)) };
  }

  close(): void {
    fs.closeSync(this.#fd); // nothing was written: it cannot have to wait for the disk
  }
}

/** Where the first whole character begins. */
export function firstCharacter(bytes: Buffer): number {
  let index = 0;
  while (index < LONGEST_CHARACTER && isContinuation(bytes[index])) index++;
  return index < LONGEST_CHARACTER ? index : 0;
}

/** Where the last whole character ends. */
export function lastCharacter(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(LONGEST_CHARACTER, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (isContinuation(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
