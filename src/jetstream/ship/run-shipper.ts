/**
 * Shipping one run: from where its copy is, event by event, again and again until nothing is in the way.
 *
 *     look at the last message -> read the log after it -> sync -> publish -> ... -> terminal event
 *
 * Promises: nothing is sent that is not on this machine's stable storage. Whatever goes wrong on the way (a refused, lost or
 * unanswered message, another mirror of the same run), shipping goes on from what is surely stored, so every event is stored
 * once and in order.
 */

import { EventLogError } from '../../errors.js';
import { encodeEvent } from '../../format/encode.js';
import { isTerminal, type RunEvent } from '../../format/events.js';
import type { EventStream } from '../../read/event-stream.js';
import { onAbort } from '../../read/on-abort.js';
import { placesOf, type RunPlaces } from '../../volume/places.js';
import { openForReading, type ReadableLog } from '../../volume/readable-log.js';
import { isUlid } from '../../volume/ulid.js';
import { positionOf, subjectOf } from '../message.js';
import { insist, orAborted, pause } from '../retry.js';
import { findPlace, holdAgainstLog, NOWHERE } from './copy-place.js';
import { droppedSince } from './dropped-runs.js';
import { Interrupted, Outbox, type Outgoing, type Place } from './outbox.js';
import { type Publisher, publisherOf } from './publisher.js';
import type { RunStream } from './run-stream.js';

/** Opens the run for reading from a position. */
export type OpenEvents = (from: number, signal: AbortSignal) => EventStream;

/** Room for the headers of a message: the message id, the expected sequence, the position. */
const LARGEST_HEADERS = 512;

/** Ships one run, and remembers how far its copy has come. */
export class RunMirror {
  readonly runId: string;
  readonly #places: RunPlaces;
  readonly #stream: RunStream;
  readonly #publisher: Publisher;
  readonly #subject: string;
  #place: Place | undefined;
  #shipped = NOWHERE; // where the copy stood last, though it may be forgotten
  #sent = 0;
  #ownIds = false; // the server knows the ids of events from elsewhere

  constructor(stream: RunStream, root: string, runId: string) {
    this.runId = runId;
    this.#places = placesOf(root, runId);
    this.#stream = stream;
    this.#publisher = publisherOf(stream);
    this.#subject = subjectOf(runId);
  }

  /** How many events were sent and accepted. */
  get sent(): number {
    return this.#sent;
  }

  /** The position in the log up to which the copy goes, as far as is known. */
  get position(): number {
    return this.#place?.position ?? 0;
  }

  /** The copy ends with the terminal event. */
  get ended(): boolean {
    return this.#place?.ended ?? false;
  }

  /** Makes sure where the copy is. */
  async look(signal: AbortSignal | undefined): Promise<void> {
    if (this.#place !== undefined) return;
    await orAborted(this.#publisher.connected(), signal);
    const found = await findPlace(this.#stream, this.#subject, this.#places, signal);
    // A run that was quiet for longer than its events are kept goes on where it was.
    const { sequence } = this.#shipped;
    const dropped = found === NOWHERE && sequence > 0 && (await droppedSince(sequence, this.#stream, signal));
    this.#place = dropped ? { ...this.#shipped, sequence: 0 } : found;
  }

  /** Forgets where the copy is: the server is asked again. */
  forget(): void {
    this.#place = undefined;
  }

  async #check(place: Place): Promise<void> {
    try {
      await holdAgainstLog(this.#places, place);
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  /** Ships all that `open` gives, from where the copy is; done as well when that is after the terminal event. */
  async ship(open: OpenEvents, signal: AbortSignal | undefined): Promise<void> {
    for (let failures = 0; ; ) {
      await this.look(signal);
      await orAborted(this.#publisher.connected(), signal); // what is sent without one gets lost
      const place = this.#place ?? NOWHERE;
      await this.#check(place);
      if (this.ended) return;
      const before = this.position;
      try {
        return await this.#shipFrom(place, open, signal);
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        if (error.duplicateOf !== undefined) await this.#checkDuplicate(error.duplicateOf, signal);
        const progress = this.position > before;
        // Where somebody came in between, the acknowledgements tell where the copy is; after all else the server must.
        if (!(progress && error.kind === 'refused')) this.forget();
        failures = progress ? 0 : failures + 1;
        if (failures > 0) await pause(failures, signal);
      }
    }
  }

  async #shipFrom(place: Place, open: OpenEvents, signal: AbortSignal | undefined): Promise<void> {
    const stop = new AbortController();
    const outbox = new Outbox(this.#stream, this.#publisher, this.#subject, place, failure =>
      stop.abort(failure),
    );
    const stopListening = signal && onAbort(signal, () => outbox.abandon(signal.reason));
    let log: ReadableLog | undefined;
    let synced = place.position;
    let lastId = place.eventId;
    try {
      signal?.throwIfAborted();
      const events = open(place.position, stop.signal);
      for await (const event of events) {
        const { position } = events;
        if (position > synced) {
          log ??= await openForReading(this.#places);
          synced = await syncAll(log, position);
        }
        await outbox.push(this.#message(event, position, lastId));
        lastId = event.id;
        if (isTerminal(event)) break;
      }
      await outbox.settled();
    } catch (error) {
      // Events before a damaged line first; and what was interrupted is told rather than how it showed.
      await outbox.settled();
      throw error;
    } finally {
      stopListening?.();
      outbox.abandon();
      this.#place = outbox.place;
      if (outbox.place.sequence > 0) this.#shipped = outbox.place;
      this.#sent += outbox.accepted;
      await log?.close();
    }
  }

  #message(event: RunEvent, position: number, lastId: string): Outgoing {
    const body = Buffer.from(encodeEvent(event));
    this.#checkSize(body, position);
    // Unique in the stream it must be: the next message names this one by it. In a copy of another run, or where ids do not
    // rise, an event's id is not; and of what was written elsewhere it may be any text.
    const unique = event.run_id === this.runId && event.id > lastId && isUlid(event.id) && !this.#ownIds;
    const messageId = unique ? event.id : `${this.runId}:${position}`;
    return { body, messageId, position, eventId: event.id, ended: isTerminal(event) };
  }

  #checkSize(body: Uint8Array, position: number): void {
    const { connection, config } = this.#stream;
    const allowed = [connection.info?.max_payload, config.max_msg_size].filter(
      bytes => bytes !== undefined && bytes > 0,
    );
    const limit = Math.min(...allowed.map(Number));
    if (body.length + LARGEST_HEADERS <= limit) return;
    throw new EventLogError(
      'ERR_MESSAGE_TOO_LARGE',
      `an event of ${this.runId} has ${body.length} bytes, and ${LARGEST_HEADERS} for headers; the server takes messages of ${limit}`,
      { path: this.#places.log, offset: position - body.length - 1 },
    );
  }

  /** An id that the server knows from another message must not be tried again. */
  async #checkDuplicate(sequence: number, signal: AbortSignal | undefined): Promise<void> {
    const { manager, config } = this.#stream;
    const find = () => manager.streams.getMessage(config.name, { seq: sequence });
    const message = await insist('a message could not be read', find, signal);
    if (message !== null) {
      const ours = message.subject === this.#subject && (positionOf(message.header) ?? 0) > this.position;
      this.#ownIds ||= !ours;
      return;
    }
    // Deleted, unless this server has not got that far yet.
    const ask = () => manager.streams.info(config.name);
    const { state } = await insist('the stream could not be looked at', ask, signal);
    this.#ownIds ||= state.last_seq >= sequence;
  }
}

/** Syncs the log; the position up to which it is on stable storage. */
async function syncAll(log: ReadableLog, position: number): Promise<number> {
  const size = log.size();
  await log.sync();
  if (log.stands()) return Math.max(size, position);
  throw new EventLogError('ERR_LOG_REPLACED', 'another file, or none, stands in the place of the log', {
    path: log.path,
  });
}
