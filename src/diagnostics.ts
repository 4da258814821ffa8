/**
 * Diagnostics: what a log reports to whoever subscribed to its channels of `node:diagnostics_channel`.
 *
 * Promises: without a subscriber nothing is built and no clock is read; whoever publishes asks `observed` first. A message
 * comes when the work is done and the lock is given back, so a slow subscriber delays only the thread it runs on.
 * One that throws harms no commit, no recovery and no tail: Node reports its error as an uncaught exception on its own.
 * Names and fields of the messages are as stable as the public names.
 */

import { type Channel, channel } from 'node:diagnostics_channel';
import { basename, dirname } from 'node:path';
import { monotonicMs } from './real-time.js';

/** A message on `omne-event-log:commit`: a batch of appends was committed, or was refused. */
export interface CommitMessage {
  /** The path of the log. */
  readonly path: string;
  /** The id of the run. */
  readonly runId: string;
  /** How many events the batch holds. */
  readonly events: number;
  /** The bytes of their lines. */
  readonly bytes: number;
  /** The longest time an append of the batch waited, for earlier commits and for the lock, before the write began; in milliseconds. */
  readonly waitMs: number;
  /** How long the write and its sync took, in milliseconds; 0 when it did not come to a write. */
  readonly writeMs: number;
  /** What the appends that were not kept were rejected with; absent when all were kept. */
  readonly error?: unknown;
}

/** A message on `omne-event-log:recover`: a torn tail was cut. */
export interface RecoverMessage {
  /** The path of the log. */
  readonly path: string;
  /** The id of the run. */
  readonly runId: string;
  /** The byte offset at which the log was cut. */
  readonly offset: number;
  /** The number of bytes cut. */
  readonly bytes: number;
  /** The path of the file that keeps them. */
  readonly savedTo: string;
}

/** A message on `omne-event-log:tail`: a tail read something. */
export interface TailMessage {
  /** The path of the log. */
  readonly path: string;
  /** The id of the run. */
  readonly runId: string;
  /** How many events it hands out next; those that do not match its options are not counted. */
  readonly events: number;
  /** How many bytes it read; 0 for the rest of what was read before. */
  readonly bytes: number;
  /**
   * How long ago, in milliseconds by this machine's clock, the last of these events was stamped: how far this tail is behind
   * the writer. Absent when there is none, or when its `ts` is not a time.
   */
  readonly lagMs?: number;
  /** What ended the wait before: a change notice, or the poll because none came. Absent when it did not have to wait. */
  readonly wokenBy?: WokenBy;
}

/** What ends a wait of a tail. */
export type WokenBy = 'notice' | 'poll';

/** One channel, for messages of one type. */
class Topic<Message extends { readonly path: string; readonly runId: string }> {
  readonly #channel: Channel; // held: a channel that nobody holds may be collected with its subscribers

  constructor(name: string) {
    this.#channel = channel(name);
  }

  /** Whether anybody listens. */
  get observed(): boolean {
    return this.#channel.hasSubscribers;
  }

  publish(path: string, facts: Omit<Message, 'path' | 'runId'>): void {
    this.#channel.publish({ path, runId: basename(dirname(path)), ...facts });
  }
}

export const commits: Topic<CommitMessage> = new Topic('omne-event-log:commit');
export const recoveries: Topic<RecoverMessage> = new Topic('omne-event-log:recover');
export const tails: Topic<TailMessage> = new Topic('omne-event-log:tail');

/** What of an append goes into the message. */
interface TimedAppend {
  readonly events: readonly unknown[];
  readonly bytes: number;
  readonly queuedAt?: number | undefined;
}

/** Times one commit, from its start to its message. */
export class CommitTimer {
  readonly #startedAt = monotonicMs();
  #writingAt: number | undefined;
  #doneAt = this.#startedAt;

  /** The write begins. */
  writing(): void {
    this.#writingAt = monotonicMs();
  }

  /** The disk has answered, or the commit was refused. */
  done(): void {
    this.#doneAt = monotonicMs();
  }

  publish(path: string, batch: readonly TimedAppend[], error: unknown): void {
    const writingAt = this.#writingAt ?? this.#doneAt;
    let [events, bytes, oldest] = [0, 0, this.#startedAt];
    for (const append of batch) {
      events += append.events.length;
      bytes += append.bytes;
      oldest = Math.min(oldest, append.queuedAt ?? oldest);
    }
    commits.publish(path, {
      events,
      bytes,
      waitMs: writingAt - oldest,
      writeMs: this.#doneAt - writingAt,
      ...(error === undefined ? {} : { error }),
    });
  }
}
