/**
 * A call of `append` or `appendAll` on its way to the disk.
 *
 * Promise: it is settled once. Until its writing begins its signal may drop it; from then on it is listened to no more.
 */
import { type ErrorFacts, EventLogError } from '../errors.js';
import type { PreparedEvent } from '../format/encode.js';
import { onAbort } from '../on-abort.js';
import { isInteger, isSignal, type OptionCheck } from '../options.js';
import type { Append } from './admission.js';

/** How one call of `append` or `appendAll` is carried out. */
export interface AppendOptions {
  /**
   * Write only if the log ends at this position, in bytes, as `position` of a reader or of the log gives it; otherwise
   * `ERR_POSITION_CONFLICT`. Wherever it ends by default.
   */
  expectedPosition?: number | undefined;
  /** Drops what has not begun to be written, and rejects with its reason; none by default. */
  signal?: AbortSignal | undefined;
}

/** What the options of one call must be. */
export const APPEND_OPTIONS: Readonly<Record<keyof AppendOptions, OptionCheck>> = {
  expectedPosition: isInteger,
  signal: isSignal,
};

/** How the promise of a call is settled. */
export interface Settling {
  readonly resolve: (events: readonly PreparedEvent[]) => void;
  readonly reject: (error: unknown) => void;
}

/** One call, with the copies of its drafts. */
export class PendingAppend implements Append {
  events: readonly PreparedEvent[];
  bytes: number;
  readonly last: boolean;
  readonly expectedPosition: number | undefined;
  readonly queuedAt: number | undefined;
  readonly #settling: Settling;
  #dropped = false;
  #stopListening: (() => void) | undefined;

  constructor(
    events: readonly PreparedEvent[],
    last: boolean,
    settling: Settling,
    expectedPosition: number | undefined,
    queuedAt: number | undefined,
  ) {
    this.events = events;
    this.bytes = events.reduce((sum, { bytes }) => sum + bytes, 0);
    this.last = last;
    this.expectedPosition = expectedPosition;
    this.queuedAt = queuedAt;
    this.#settling = settling;
  }

  /** Lets a signal drop it; `onDrop` is called then. */
  dropOn(signal: AbortSignal, onDrop: () => void): void {
    this.#stopListening = onAbort(signal, () => {
      this.#stopListening?.();
      this.#dropped = true;
      onDrop();
      this.events = []; // its place in the queue stays, empty
      this.#settling.reject(signal.reason);
    });
  }

  begin(): boolean {
    this.#stopListening?.();
    return !this.#dropped;
  }

  resolve(): void {
    this.#settling.resolve(this.events);
  }

  reject(error: unknown): void {
    this.#stopListening?.();
    this.#settling.reject(EventLogError.about(namesOfRefused(this.events, error), error));
  }
}

type RefusedEvent = Pick<ErrorFacts, 'type' | 'node_id'>;

/** The event of a call that was refused first: of several, those before may have been kept. */
function namesOfRefused(events: readonly PreparedEvent[], error: unknown): RefusedEvent {
  const kept = error instanceof EventLogError ? (error.kept ?? 0) : 0;
  return namesOf(events[kept]?.event);
}

/** The type and node of an event or draft, as far as they are texts. */
export function namesOf(event: unknown): RefusedEvent {
  if (typeof event !== 'object' || event === null) return {};
  const textOf = (name: string): string | undefined => {
    const value: unknown = Reflect.get(event, name);
    return typeof value === 'string' ? value : undefined;
  };
  return { type: textOf('type'), node_id: textOf('node_id') };
}
