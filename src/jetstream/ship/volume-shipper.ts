/**
 * Following all runs of a volume: what has changed is shipped, a turn at a time.
 *
 * Promises: no log is held open between two turns, and a turn is bounded, so no run starves, however many there are. A run
 * that fails is reported and left until its log changes; the others go on.
 */

import { type LogLook, VolumeWatch } from '../../read/volume-watch.js';
import { nowMs } from '../../real-time.js';
import { placesOf } from '../../volume/places.js';
import { remoteFailed } from '../retry.js';
import { type ConnectionWatch, watchOf } from './connection-watch.js';
import { DroppedRuns } from './dropped-runs.js';
import { FinalLog } from './final-log.js';
import { RunShipper } from './run-shipper.js';
import type { RunStream } from './run-stream.js';
import { WorkQueue } from './work-queue.js';

/** What is reported to whoever mirrors a volume. */
export interface ShippingListener {
  /** A run cannot be shipped, or not further. */
  failed(error: unknown, runId: string): void;
  /** A run was shipped to its end. */
  ended(shipper: RunShipper): void;
}

/** A longer turn would let the other runs wait too long. */
const BYTES_A_TURN = 1024 * 1024;
/** How long a server may take to bring what it acknowledged to its disk. */
const SERVER_SYNC_MS = 10 * 60_000;

/** A run that is followed. */
interface Followed {
  readonly shipper: RunShipper;
  look: LogLook;
  /** Where the copy is must be asked again. */
  stale: boolean;
}

/** Ships the runs of a volume. */
export class VolumeShipper {
  readonly #root: string;
  readonly #stream: RunStream;
  readonly #watch: ConnectionWatch;
  readonly #listener: ShippingListener;
  readonly #runs: VolumeWatch;
  readonly #queue: WorkQueue<Followed>;
  readonly #followed = new Map<string, Followed>();
  readonly #endedAt = new Map<string, number>(); // those that ended lately
  readonly #stop = new AbortController();
  readonly #droppedRuns: DroppedRuns;
  readonly #dropped = new Set<string>();
  #reconnections: number;
  #seen = 0;
  #events = 0;

  constructor(
    root: string,
    stream: RunStream,
    concurrency: number,
    pollInterval: number,
    listener: ShippingListener,
  ) {
    this.#root = root;
    this.#stream = stream;
    this.#droppedRuns = new DroppedRuns(stream);
    this.#listener = listener;
    this.#queue = new WorkQueue(concurrency, run => this.#turn(run));
    this.#runs = new VolumeWatch(
      root,
      { pollInterval },
      {
        changed: (runId, look) => this.#changed(runId, look),
        gone: runId => {
          this.#followed.delete(runId);
          this.#dropped.delete(runId);
        },
      },
    );
    this.#watch = watchOf(stream.connection);
    this.#reconnections = this.#watch.reconnections;
    const closed = (cause: unknown) =>
      this.fail(remoteFailed('the connection is closed', cause ?? 'by its owner'));
    stream.connection.closed().then(closed, closed);
  }

  /** How many runs were found. */
  get runs(): number {
    return this.#seen;
  }

  /** How many events were sent. */
  get events(): number {
    return this.#events;
  }

  /** How many runs are not sent, because the stream has dropped them before. */
  get dropped(): number {
    return this.#dropped.size;
  }

  /** Ships what has changed; resolves when nothing is left to do. Rejects with the failure. */
  async round(): Promise<void> {
    await this.look();
    await this.#queue.idle();
    this.#stop.signal.throwIfAborted();
  }

  /** Finds what has changed and lets it be shipped. */
  async look(): Promise<void> {
    this.#stop.signal.throwIfAborted();
    this.#distrust();
    await this.#runs.look();
  }

  /** Waits until a look may find something. Rejects with the failure. */
  async rest(): Promise<void> {
    await this.#runs.wait();
    this.#stop.signal.throwIfAborted();
  }

  /** Ends the mirroring with an error. */
  fail(error: unknown): void {
    this.#stop.abort(error);
    this.#queue.clear();
    this.#runs.wake();
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#runs.close();
    this.fail(new Error('the mirror is closed'));
    await this.#queue.idle();
  }

  #changed(runId: string, look: LogLook): void {
    let run = this.#followed.get(runId);
    if (run === undefined) {
      if (!this.#endedAt.has(runId)) this.#seen++;
      run = { shipper: new RunShipper(this.#stream, this.#root, runId), look, stale: false };
      this.#followed.set(runId, run);
    }
    if (run.look.file !== look.file) run.stale = true;
    run.look = look;
    this.#queue.add(run);
  }

  /** One turn of one run; whether there is more. */
  async #turn(run: Followed): Promise<boolean> {
    const { shipper } = run;
    if (this.#followed.get(shipper.runId) !== run) return false; // it ended, or is gone
    if (run.stale) shipper.forget();
    run.stale = false;
    const before = shipper.sent;
    let more = false;
    try {
      more = await this.#ship(run);
    } catch (error) {
      if (this.#stop.signal.aborted) return false;
      this.#listener.failed(error, shipper.runId);
    } finally {
      this.#events += shipper.sent - before;
    }
    if (!more && shipper.ended) this.#ended(shipper);
    return more;
  }

  async #ship({ shipper, look }: Followed): Promise<boolean> {
    const { signal } = this.#stop;
    await shipper.look(signal);
    const dropped = shipper.position === 0 && (await this.#droppedRuns.has(look, signal));
    if (dropped) {
      this.#dropped.add(shipper.runId);
      return false;
    }
    this.#dropped.delete(shipper.runId);
    const log = await FinalLog.open(placesOf(this.#root, shipper.runId));
    try {
      return await shipper.ship(log, BYTES_A_TURN, signal);
    } finally {
      await log.close();
    }
  }

  #ended(shipper: RunShipper): void {
    this.#runs.done(shipper.runId);
    this.#followed.delete(shipper.runId);
    if (shipper.sent === 0) return;
    this.#endedAt.set(shipper.runId, nowMs());
    this.#listener.ended(shipper);
  }

  /** A server that crashed with its machine may have lost what it acknowledged last: after a break all is asked again. */
  #distrust(): void {
    const oldest = nowMs() - SERVER_SYNC_MS;
    for (const [runId, endedAt] of this.#endedAt) if (endedAt < oldest) this.#endedAt.delete(runId);
    const { reconnections } = this.#watch;
    if (reconnections === this.#reconnections) return;
    this.#reconnections = reconnections;
    this.#droppedRuns.renew();
    for (const run of this.#followed.values()) run.stale = true;
    for (const runId of [...this.#followed.keys(), ...this.#endedAt.keys()]) this.#runs.renew(runId);
  }
}
