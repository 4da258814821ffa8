/**
 * The outputs of a run that pages follow: each is looked at once for all who follow it.
 *
 * Promises: however many follow an output, it is opened, looked at and read as often as for one; only who is further back than what was
 * read lately reads for itself. What was read is kept until the next look, four chunks at most. Once the last has left, nothing is
 * held, and nothing goes on.
 */
import { EventLogError } from '../errors.js';
import { monotonicMs, startInterval, stopInterval } from '../real-time.js';
import type { NodeOutput } from '../run/output/node-output.js';

/** So much is read at once. */
const CHUNK_BYTES = 64 * 1024;
const MOST_CHUNKS = 4;
/** How often to look for what was written. */
const POLL_MS = 100;
/** How often to look whether another file is in its place, or whether it is there at all. */
const REOPEN_MS = 500;

/** The outputs that are followed, by their nodes. */
export class OutputFollowers {
  readonly #open: (nodeId: string) => Promise<NodeOutput>;
  readonly #changed: () => void;
  readonly #followers = new Map<string, OutputFollower>();

  /** `changed` is called whenever one of them has changed. */
  constructor(open: (nodeId: string) => Promise<NodeOutput>, changed: () => void) {
    this.#open = open;
    this.#changed = changed;
  }

  /** Follows the output of a node; whoever joins leaves. */
  join(nodeId: string): OutputFollower {
    const follower =
      this.#followers.get(nodeId) ??
      new OutputFollower(
        () => this.#open(nodeId),
        this.#changed,
        () => this.#followers.delete(nodeId),
      );
    this.#followers.set(nodeId, follower);
    follower.join();
    return follower;
  }
}

/** An output as a look has found it. */
export class SeenOutput {
  /** Which file it is. */
  readonly file: string;
  readonly size: number;
  /** When it was last written to, in milliseconds since the epoch. */
  readonly changedAt: number;
  readonly #shared: SharedOutput;
  readonly #chunks = new Map<number, Promise<Buffer>>();

  constructor(shared: SharedOutput) {
    this.#shared = shared;
    ({ file: this.file, size: this.size, changedAt: this.changedAt } = shared.output.look());
  }

  /** A chunk from a position on, up to the size; read once for all who ask for it. */
  chunk(position: number): Promise<Buffer> {
    const known = this.#chunks.get(position);
    if (known !== undefined) return known;
    const chunk = this.#shared.read(position, Math.min(CHUNK_BYTES, this.size - position));
    this.#chunks.set(position, chunk);
    const [oldest] = this.#chunks.keys();
    if (this.#chunks.size > MOST_CHUNKS && oldest !== undefined) this.#chunks.delete(oldest);
    return chunk;
  }
}

/** One output, for all who follow it. */
export class OutputFollower {
  readonly #open: () => Promise<NodeOutput>;
  readonly #changed: () => void;
  readonly #left: () => void;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #shared: SharedOutput | undefined;
  #openedAt = Number.NEGATIVE_INFINITY;
  #seen: SeenOutput | undefined;
  #isMissing = false;
  #failure: unknown;

  constructor(open: () => Promise<NodeOutput>, changed: () => void, left: () => void) {
    this.#open = open;
    this.#changed = changed;
    this.#left = left;
  }

  /** What the latest look has found; undefined where there was nothing to be opened. Throws what the look failed with. */
  get seen(): SeenOutput | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#seen;
  }

  /** There was no such file. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  /** One more follows. */
  join(): void {
    this.#users++;
    this.#timer ??= startInterval(() => void this.look(), POLL_MS);
  }

  /** One less; after the last, nothing is held. */
  leave(): void {
    if (--this.#users > 0) return;
    stopInterval(this.#timer);
    this.#shared?.retire();
    this.#left();
  }

  /** Looks, once for all who ask while that is under way: what it finds is no older than the question. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    try {
      const now = monotonicMs();
      if (now - this.#openedAt >= REOPEN_MS) await this.#openAt(now);
      if (this.#users === 0) return;
      const before = this.#seen;
      this.#seen = this.#shared && new SeenOutput(this.#shared);
      const { file, size, changedAt } = this.#seen ?? {};
      if (before?.file !== file || before?.size !== size || before?.changedAt !== changedAt) this.#changed();
    } catch (error) {
      this.#failure = error;
      this.#changed();
    }
  }

  async #openAt(now: number): Promise<void> {
    this.#openedAt = now;
    let opened: NodeOutput | undefined;
    try {
      opened = await this.#open();
      this.#failure = undefined;
      this.#isMissing = false;
    } catch (error) {
      if (!(error instanceof EventLogError)) throw error;
      this.#isMissing = error.code === 'ERR_CAPTURE_NOT_FOUND'; // else it is not what it should be: asking for a window says so
    }
    if (this.#users === 0) return opened?.close(); // all have left meanwhile
    if (opened !== undefined && opened.file === this.#shared?.output.file) return opened.close();
    this.#shared?.retire();
    this.#shared = opened && new SharedOutput(opened);
  }
}

/** An open output that several read: closed when it is done with, and no read is under way. */
class SharedOutput {
  readonly output: NodeOutput;
  #reads = 0;
  #isRetired = false;

  constructor(output: NodeOutput) {
    this.output = output;
  }

  /** Fewer bytes at the end of the file, none once it is done with. */
  async read(position: number, bytes: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(bytes);
    if (this.#isRetired) return buffer.subarray(0, 0);
    this.#reads++;
    try {
      return buffer.subarray(0, await this.output.read(buffer, position));
    } finally {
      this.#reads--;
      if (this.#isRetired && this.#reads === 0) this.output.close();
    }
  }

  retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    if (this.#reads === 0) this.output.close();
  }
}
