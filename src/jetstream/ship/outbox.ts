/**
 * The messages of one run on their way to the server, in order, several at a time.
 *
 * Promises: every message names the one it is after, so that the server stores it there or not at all. The first one
 * that is not plainly accepted closes the outbox: nothing is sent after it, and `place` is then what is surely stored. Every
 * promise of a message under way is held here.
 */
import { JetStreamApiError, type StreamExpectations } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { messageOf } from '../../errors.js';
import { POSITION_HEADER } from '../message.js';
import { passes, remoteFailed } from '../retry.js';
import type { Publisher } from './publisher.js';
import type { RunStream } from './run-stream.js';

/** How far the copy of a run has come. */
export interface Place {
  /** The sequence of its last message in the stream; 0 when there is none. */
  readonly sequence: number;
  /** The position in the log after the event of that message. */
  readonly position: number;
  /** What that message holds. */
  readonly body: Uint8Array;
  /** The id of that event. */
  readonly eventId: string;
  /** It is the terminal event. */
  readonly ended: boolean;
}

/** One event to be sent. */
export interface Outgoing extends Omit<Place, 'sequence'> {
  /** No other message of the stream has it. */
  readonly messageId: string;
}

/** Why sending stopped, when it is worth trying again from where the copy is. */
export class Interrupted extends Error {
  /** `refused`: something else is there. `duplicate`: the message id is known. `unknown`: nobody can tell what was stored. */
  readonly kind: 'refused' | 'duplicate' | 'unknown';
  /** The message of the stream that has the same message id. */
  readonly duplicateOf: number | undefined;

  constructor(kind: Interrupted['kind'], why: string, facts: { cause?: unknown; duplicateOf?: number } = {}) {
    super(why, { cause: facts.cause });
    this.kind = kind;
    this.duplicateOf = facts.duplicateOf;
  }
}

/** The server's codes for "this is not the last message": by its sequence, by its id. */
const WRONG_LAST: ReadonlySet<number> = new Set([10071, 10164, 10070]);
/** How many messages wait before sending begins at once, and before whoever pushes has to wait. */
const BURST = 64;
const MOST_WAITING = 256;

/** Sends the messages of one run. */
export class Outbox {
  readonly #stream: RunStream;
  readonly #publisher: Publisher;
  readonly #subject: string;
  readonly #onClosed: (failure: unknown) => void;
  readonly #waiting: Outgoing[] = [];
  #place: Place;
  #lastId = ''; // the message id of the last one sent
  #underWay = 0;
  #accepted = 0;
  #failure: unknown;
  #open = true;
  #abandoned = false;
  #scheduled = false;
  #wake: (() => void) | undefined;

  /** `onClosed` is told when nothing more can be sent. */
  constructor(
    stream: RunStream,
    publisher: Publisher,
    subject: string,
    place: Place,
    onClosed: (failure: unknown) => void,
  ) {
    this.#stream = stream;
    this.#publisher = publisher;
    this.#subject = subject;
    this.#place = place;
    this.#onClosed = onClosed;
    publisher.join(this);
  }

  /** What is surely stored. */
  get place(): Place {
    return this.#place;
  }

  /** How many messages were accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Takes a message; resolves when there is room for the next. Rejects when the outbox is closed. */
  async push(message: Outgoing): Promise<void> {
    this.#waiting.push(message);
    // Sent together they stand together: another run's message in between would have to be waited for.
    if (this.#waiting.length >= BURST) this.#flush();
    else this.#schedule();
    while (this.#open && this.#waiting.length >= MOST_WAITING) await this.#answer();
    if (!this.#open) throw this.#failure;
  }

  /** Resolves when all was accepted; rejects with the first failure, once nothing is under way. */
  async settled(): Promise<void> {
    while (!this.#abandoned && (this.#underWay > 0 || (this.#open && this.#waiting.length > 0))) {
      await this.#answer();
    }
    if (!this.#open) throw this.#failure;
  }

  /** Waits for nothing any more: what is under way is left to its fate. */
  abandon(reason?: unknown): void {
    this.#publisher.leave(this);
    this.#abandoned = true;
    this.#close(reason);
    this.#wake?.();
  }

  disconnected(): void {
    this.abandon(new Interrupted('unknown', 'the connection was lost'));
  }

  #answer(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#open && (this.#underWay === 0 || this.#publisher.mayFollow(this, this.#underWay))) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      this.#send(message);
    }
  }

  #send(message: Outgoing): void {
    const { body, messageId, position } = message;
    const follows = this.#underWay > 0;
    const expect: Partial<StreamExpectations> = follows
      ? { lastMsgID: this.#lastId }
      : { lastSubjectSequence: this.#place.sequence };
    const fields = headers();
    fields.set(POSITION_HEADER, String(position));
    this.#lastId = messageId;
    this.#underWay++;
    this.#publisher.sent(this, body.length);
    this.#stream.client.publish(this.#subject, body, { msgID: messageId, expect, headers: fields }).then(
      ({ seq, duplicate }) => {
        if (duplicate) this.#close(new Interrupted('duplicate', 'the id is known', { duplicateOf: seq }));
        else this.#stored(seq, message);
        this.#answered(body.length);
      },
      (error: unknown) => {
        this.#close(this.#failureOf(error, follows));
        this.#answered(body.length);
      },
    );
  }

  #stored(sequence: number, { position, body, eventId, ended }: Outgoing): void {
    if (this.#abandoned) return;
    this.#accepted++;
    this.#place = { sequence, position, body, eventId, ended };
    this.#publisher.accepted();
  }

  #failureOf(error: unknown, follows: boolean): unknown {
    if (error instanceof JetStreamApiError && WRONG_LAST.has(error.code)) {
      if (this.#open && follows) this.#publisher.disturbed();
      return new Interrupted('refused', messageOf(error), { cause: error });
    }
    if (passes(error)) return new Interrupted('unknown', messageOf(error), { cause: error });
    return remoteFailed('an event could not be published', error);
  }

  #answered(bytes: number): void {
    this.#underWay--;
    this.#publisher.answered(bytes);
    this.#flush();
    this.#wake?.();
  }

  /** After a message that was not stored none of the run can be. */
  #close(failure: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.#failure = failure;
    this.#onClosed(failure);
  }
}
