/**
 * The messages of one run on their way to the server, in order, several at a time.
 *
 * Promises: every message names the one it stands behind, so that the server stores it there or not at all. The first one
 * that is not plainly accepted closes the outbox: nothing is sent behind it, and `place` is then what is surely stored. Every
 * promise of a message under way is held here.
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { messageOf } from '../errors.js';
import { passes, remoteFailed } from './failure.js';
import { POSITION_HEADER } from './message.js';
import type { Publisher } from './publisher.js';

/** How far the copy of a run has come. */
export interface Place {
  /** The sequence of its last message in the stream; 0 when there is none. */
  readonly sequence: number;
  /** The position in the log behind the event of that message. */
  readonly position: number;
  /** It is the terminal event. */
  readonly ended: boolean;
}

/** One event to be sent. */
export interface Outgoing {
  readonly body: Uint8Array;
  readonly messageId: string;
  readonly position: number;
  readonly ended: boolean;
}

/** Why sending stopped, when it is worth trying again from where the copy stands. */
export class Interrupted extends Error {
  /** `refused`: something else stands there. `duplicate`: the message id is known. `unknown`: nobody can tell what was stored. */
  readonly kind: 'refused' | 'duplicate' | 'unknown';
  /** The message of the stream that has the same message id. */
  readonly duplicateOf: number | undefined;

  constructor(kind: Interrupted['kind'], why: string, facts: { cause?: unknown; duplicateOf?: number } = {}) {
    super(why, { cause: facts.cause });
    this.kind = kind;
    this.duplicateOf = facts.duplicateOf;
  }
}

const WRONG_LAST_SEQUENCE: ReadonlySet<number> = new Set([10071, 10164]);

/** Sends the messages of one run. */
export class Outbox {
  readonly #publisher: Publisher;
  readonly #subject: string;
  readonly #onClosed: (failure: unknown) => void;
  #place: Place;
  #expected: number | undefined; // the sequence the last message sent has, or will have
  #underWay = 0;
  #bytes = 0;
  #accepted = 0;
  #failure: unknown;
  #open = true;
  #abandoned = false;
  #wake: (() => void) | undefined;

  /** `onClosed` is told when nothing more can be sent. */
  constructor(publisher: Publisher, subject: string, place: Place, onClosed: (failure: unknown) => void) {
    this.#publisher = publisher;
    this.#subject = subject;
    this.#place = place;
    this.#expected = place.sequence;
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

  /** Sends a message as soon as there is room; rejects when the outbox is closed. */
  async push(message: Outgoing): Promise<void> {
    while (this.#open && !this.#hasRoom()) await this.#answer();
    if (!this.#open) throw this.#failure;
    this.#send(message);
  }

  /** Resolves when all was accepted; rejects with the first failure, once nothing is under way. */
  async settled(): Promise<void> {
    while (this.#underWay > 0 && !this.#abandoned) await this.#answer();
    if (!this.#open) throw this.#failure;
  }

  /** Waits for nothing any more: what is under way is left to its fate. */
  abandon(reason?: unknown): void {
    this.#publisher.leave(this);
    if (this.#open && this.#underWay > 0) {
      this.#publisher.doomed(this.#underWay, this.#bytes);
      this.#publisher.lostCount();
    }
    this.#abandoned = true;
    this.#close(reason);
    this.#wake?.();
  }

  disconnected(): void {
    this.abandon(new Interrupted('unknown', 'the connection was lost'));
  }

  #hasRoom(): boolean {
    if (this.#underWay === 0) return true;
    return this.#expected !== undefined && this.#publisher.hasRoom(this.#underWay);
  }

  #answer(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }

  #send(message: Outgoing): void {
    const { body, messageId } = message;
    const behind = this.#underWay === 0 ? this.#place.sequence : (this.#expected ?? this.#place.sequence);
    const guessed = this.#underWay > 0;
    const bytes = body.length;
    this.#expected = this.#publisher.sending(bytes);
    this.#underWay++;
    this.#bytes += bytes;
    const fields = headers();
    fields.set(POSITION_HEADER, String(message.position));
    this.#publisher.stream.client
      .publish(this.#subject, body, {
        msgID: messageId,
        expect: { lastSubjectSequence: behind },
        headers: fields,
      })
      .then(
        ({ seq, duplicate }) => {
          this.#answered(bytes);
          if (!duplicate) this.#stored(seq, message);
          else
            this.#refused(
              new Interrupted('duplicate', 'the message id is known', { duplicateOf: seq }),
              bytes,
            );
        },
        (error: unknown) => {
          this.#answered(bytes);
          this.#rejected(error, guessed, bytes);
        },
      );
  }

  #stored(sequence: number, { position, ended, body }: Outgoing): void {
    if (this.#abandoned) return;
    this.#accepted++;
    // What is accepted stands behind all that was sent before it.
    if (position > this.#place.position) this.#place = { sequence, position, ended };
    if (this.#open) this.#publisher.accepted(sequence, body.length);
  }

  #rejected(error: unknown, guessed: boolean, bytes: number): void {
    if (error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.has(error.code)) {
      if (this.#open && guessed) this.#publisher.misjudged(this.#underWay);
      this.#refused(new Interrupted('refused', messageOf(error), { cause: error }), bytes);
    } else if (passes(error)) {
      this.#refused(new Interrupted('unknown', messageOf(error), { cause: error }), bytes);
      this.#publisher.lostCount(); // it may have been stored all the same
    } else {
      this.#refused(remoteFailed('an event could not be published', error), bytes);
    }
  }

  /** Behind a message that was not stored none of the run can be. */
  #refused(failure: unknown, bytes: number): void {
    if (!this.#open) return;
    this.#publisher.doomed(this.#underWay + 1, this.#bytes + bytes);
    this.#close(failure);
  }

  #answered(bytes: number): void {
    this.#underWay--;
    this.#bytes -= bytes;
    this.#wake?.();
  }

  #close(failure: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.#failure = failure;
    this.#onClosed(failure);
  }
}
