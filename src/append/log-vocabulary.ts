/**
 * The vocabulary of a log that is opened for appending.
 *
 * Promises: a run of other than the built-in events carries its vocabulary before its log is there. Under a log that is there it
 * changes only by additions, and only under the lock of the log.
 */
import fs from 'node:fs';
import { EventLogError } from '../errors.js';
import { omneEvents } from '../format/events.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { conflictBetween } from '../format/vocabulary-change.js';
import { MAX_VOCABULARY_BYTES, parseVocabulary, vocabularyText } from '../format/vocabulary-text.js';
import { waitForLock } from '../volume/flock.js';
import type { RunPlaces } from '../volume/places.js';
import { readVocabularyText, vocabularyPath, writeVocabularyText } from '../volume/vocabulary-file.js';
import type { LogFile } from './log-file.js';

/** How a vocabulary is written. */
export interface VocabularyFileOptions {
  readonly mode?: number | undefined;
  readonly lock: boolean;
  readonly lockTimeoutMs?: number | undefined;
}

/** Writes the vocabulary of a log that is not there yet; the built-in one has no file. */
export async function announceVocabulary(
  places: RunPlaces,
  events: Vocabulary | undefined,
  mode?: number,
): Promise<void> {
  if (events === undefined || events === omneEvents || fs.existsSync(places.log)) return;
  await writeVocabularyText(places, textOf(events), mode);
}

/** The vocabulary of a log that is there: its own where none is given; the given one, once it is written down. */
export async function agreeOnVocabulary(
  places: RunPlaces,
  file: LogFile,
  events: Vocabulary | undefined,
  { mode, lock, lockTimeoutMs }: VocabularyFileOptions,
): Promise<Vocabulary> {
  const own = await ownVocabulary(places);
  if (events === undefined || events === own) return events ?? own;
  if (vocabularyText(own) === vocabularyText(events)) return events;
  mustAdd(places, own, events);
  if (lock) await waitForLock(() => file.tryLock(), places.log, lockTimeoutMs);
  try {
    mustAdd(places, await ownVocabulary(places), events); // which a peer may have changed meanwhile
    await writeVocabularyText(places, textOf(events), mode);
  } finally {
    if (lock) file.unlock();
  }
  return events;
}

async function ownVocabulary(places: RunPlaces): Promise<Vocabulary> {
  const text = await readVocabularyText(places, MAX_VOCABULARY_BYTES);
  return text === undefined ? omneEvents : parseVocabulary(text, vocabularyPath(places));
}

function mustAdd(places: RunPlaces, own: Vocabulary, events: Vocabulary): void {
  const conflict = conflictBetween(own, events);
  if (conflict === undefined) return;
  const what = `the vocabulary given (option events) does not continue that of the run: ${conflict}`;
  throw new EventLogError('ERR_VOCABULARY_CONFLICT', what, { path: places.log });
}

function textOf(events: Vocabulary): string {
  const text = vocabularyText(events);
  if (Buffer.byteLength(text) > MAX_VOCABULARY_BYTES)
    throw new TypeError(`the vocabulary takes more than ${MAX_VOCABULARY_BYTES} bytes`);
  return text;
}
