/**
 * Shipping one run: from where its copy is, segment by segment, whatever comes in between.
 *
 *     look at the last segment -> hold it against the log -> read what is final after it -> publish -> ...
 *
 * Promises: one segment is under way at a time, and names the one it follows, so the server stores it there or not at all.
 * Whatever goes wrong (a lost answer, a refusal, another mirror of the same run), shipping goes on from what is surely
 * stored, so every byte is stored once and in order.
 */
import { EventLogError } from '../../errors.js';
import { omneEvents } from '../../format/events.js';
import type { Vocabulary } from '../../format/vocabulary.js';
import { parseVocabulary } from '../../format/vocabulary-text.js';
import { placesOf, type RunPlaces } from '../../volume/places.js';
import { vocabularyPath } from '../../volume/vocabulary-file.js';
import { isRefused, orAborted, passes, pause, remoteFailed } from '../retry.js';
import { headersOf, SEGMENT_BYTES } from '../segment.js';
import { subjectOf } from '../subjects.js';
import { type ConnectionWatch, watchOf } from './connection-watch.js';
import { type CopyPlace, findCopyPlace, holdAgainstLog, NOWHERE, placeAfter } from './copy-place.js';
import { droppedSince } from './dropped-runs.js';
import type { FinalLog } from './final-log.js';
import type { RunStream } from './run-stream.js';
import { shipVocabulary, vocabularyTextOf } from './run-vocabulary.js';
import { eventsIn } from './segment-events.js';

/** Room for the headers of a message. */
const LARGEST_HEADERS = 512;
/** In a stream that keeps few bytes a segment must not be most of them: what is dropped is dropped as a whole. */
const FEWEST_SEGMENTS = 16;

/** Ships one run, and remembers how far its copy has come. */
export class RunShipper {
  readonly runId: string;
  readonly #places: RunPlaces;
  readonly #stream: RunStream;
  readonly #watch: ConnectionWatch;
  readonly #subject: string;
  #place: CopyPlace | undefined;
  #shipped = NOWHERE; // where the copy was last, though it may be forgotten
  #heldAgainst: FinalLog | undefined;
  #connection = 0; // the count of reconnections when the place was looked at
  #sent = 0;
  #vocabulary: Vocabulary = omneEvents;
  #vocabularyText: string | undefined; // as it is stored, as far as is known

  constructor(stream: RunStream, root: string, runId: string) {
    this.runId = runId;
    this.#places = placesOf(root, runId);
    this.#stream = stream;
    this.#watch = watchOf(stream.connection);
    this.#subject = subjectOf(runId);
  }

  /** How many events were sent and accepted. */
  get sent(): number {
    return this.#sent;
  }

  /** The position in the log up to which the copy goes, as far as is known. */
  get position(): number {
    return this.#place?.end ?? 0;
  }

  /** The copy holds the terminal event. */
  get ended(): boolean {
    return this.#place?.ended ?? false;
  }

  /** Makes sure where the copy is. A server that crashed may have lost what it had acknowledged: after a break it is asked again. */
  async look(signal: AbortSignal | undefined): Promise<CopyPlace> {
    for (;;) {
      await orAborted(this.#watch.connected(), signal); // what is sent without one gets lost
      const { reconnections, lost } = this.#watch;
      const closed = this.#stream.connection.isClosed();
      if (this.#place !== undefined && this.#connection === reconnections && !closed) return this.#place;
      this.forget();
      try {
        this.#place = await orAborted(this.#find(signal), closed ? undefined : lost);
        this.#connection = reconnections;
      } catch (error) {
        if (error !== lost.reason) throw error;
      }
    }
  }

  async #find(signal: AbortSignal | undefined): Promise<CopyPlace> {
    const found = await findCopyPlace(this.#stream, this.#subject, this.#places.log, signal);
    // A run that was quiet for longer than its segments are kept goes on where it was.
    const { sequence } = this.#shipped;
    const dropped = found === NOWHERE && sequence > 0 && (await droppedSince(sequence, this.#stream, signal));
    return dropped ? { ...this.#shipped, sequence: 0 } : found;
  }

  /** Forgets where the copy is: the server is asked again. */
  forget(): void {
    this.#place = undefined;
    this.#heldAgainst = undefined;
    this.#vocabularyText = undefined;
  }

  /** Ships what is final by now, at most some bytes more than `most`; whether there may be more already. */
  async ship(log: FinalLog, most: number, signal: AbortSignal | undefined): Promise<boolean> {
    let failures = 0;
    let end: number | undefined;
    for (let bytes = 0; ; ) {
      const place = await this.#placeIn(log, signal);
      if (end === undefined) {
        end = await log.end(place.end);
        if (end === undefined) return true;
        await this.#shipVocabulary(signal); // which was written before the events that need it
      }
      if (place.end >= end) return false;
      if (bytes >= most) return true;
      const lines = await this.#linesAfter(place, log, end);
      if (await this.#publish(place, lines, signal)) {
        bytes += lines.length;
        failures = 0;
      } else await pause(failures++, signal);
    }
  }

  /** Where the copy is, which is held against the log once. */
  async #placeIn(log: FinalLog, signal: AbortSignal | undefined): Promise<CopyPlace> {
    const place = await this.look(signal);
    if (this.#heldAgainst === log) return place;
    try {
      await holdAgainstLog(log, place);
    } catch (error) {
      this.forget();
      throw error;
    }
    this.#heldAgainst = log;
    return place;
  }

  async #shipVocabulary(signal: AbortSignal | undefined): Promise<void> {
    const text = await vocabularyTextOf(this.#places);
    if (text === undefined || text === this.#vocabularyText) return;
    this.#vocabulary = parseVocabulary(text, vocabularyPath(this.#places));
    await shipVocabulary(this.#stream, this.runId, this.#places, text, signal);
    this.#vocabularyText = text;
  }

  /** Publishes a segment; whether it was surely stored. Otherwise the copy must be looked at again. */
  async #publish(place: CopyPlace, lines: Buffer, signal: AbortSignal | undefined): Promise<boolean> {
    const { events, ended } = eventsIn(lines, this.#vocabulary);
    const total = place.total + events;
    const facts = { end: place.end + lines.length, events, total, ended: place.ended || ended };
    const options = { headers: headersOf(facts), expect: { lastSubjectSequence: place.sequence } };
    const { lost } = this.#watch;
    try {
      const publishing = this.#stream.client.publish(this.#subject, lines, options);
      const { seq } = await orAborted(orAborted(publishing, lost), signal);
      this.#place = this.#shipped = placeAfter(seq, lines, facts);
      this.#sent += events;
      return true;
    } catch (error) {
      this.forget();
      signal?.throwIfAborted();
      if (isRefused(error) || lost.aborted || passes(error)) return false;
      throw remoteFailed('a segment could not be published', error);
    }
  }

  async #linesAfter({ end: position }: CopyPlace, log: FinalLog, end: number): Promise<Buffer> {
    const { connection, config } = this.#stream;
    const limits = [connection.info?.max_payload ?? 0, config.max_msg_size].filter(bytes => bytes > 0);
    const limit = Math.min(...limits);
    const usual =
      config.max_bytes > 0 ? Math.min(SEGMENT_BYTES, config.max_bytes / FEWEST_SEGMENTS) : SEGMENT_BYTES;
    const lines = await log.lines(position, end, Math.ceil(usual), limit - LARGEST_HEADERS);
    if (lines.length > 0) return lines;
    throw new EventLogError(
      'ERR_MESSAGE_TOO_LARGE',
      `a line of ${this.runId} does not fit into a message: with ${LARGEST_HEADERS} bytes for headers the server takes ${limit}`,
      { path: log.path, offset: position },
    );
  }
}
