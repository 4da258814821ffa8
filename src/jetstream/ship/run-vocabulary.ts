/**
 * The vocabulary of a run that has one of its own travels with it: the text of its file, unchanged, as a message on a subject of its
 * own, and again where events were added to it.
 *
 * Promise: it is stored before the first segment that needs it. Where a stream with limits has dropped it, it is stored again
 * when the copy is next looked at.
 */
import { EventLogError } from '../../errors.js';
import { MAX_VOCABULARY_BYTES } from '../../format/vocabulary-text.js';
import type { RunPlaces } from '../../volume/places.js';
import { readVocabularyText, vocabularyPath } from '../../volume/vocabulary-file.js';
import { insist, isRefused } from '../retry.js';
import { vocabularySubjectOf } from '../subjects.js';
import { type RunStream, unsuitable } from './run-stream.js';

/** The text of the vocabulary that a run carries; undefined for the built-in one. */
export function vocabularyTextOf(places: RunPlaces): Promise<string | undefined> {
  return readVocabularyText(places, MAX_VOCABULARY_BYTES);
}

/** Makes sure that this text is the last vocabulary of the run that is stored. */
export async function shipVocabulary(
  { connection, client, manager, config }: RunStream,
  runId: string,
  places: RunPlaces,
  text: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const subject = vocabularySubjectOf(runId);
  const path = vocabularyPath(places);
  const why = unsuitable(config, subject);
  if (why !== undefined)
    throw new EventLogError('ERR_STREAM_UNSUITABLE', `the stream ${config.name}: ${why}`, { path });
  const most = connection.info?.max_payload ?? MAX_VOCABULARY_BYTES;
  if (Buffer.byteLength(text) > most) {
    const what = `the vocabulary of ${runId} does not fit into a message: the server takes ${most} bytes`;
    throw new EventLogError('ERR_MESSAGE_TOO_LARGE', what, { path });
  }
  const store = async () => {
    for (;;) {
      const stored = await manager.streams.getMessage(config.name, { last_by_subj: subject });
      if (stored?.string() === text) return;
      try {
        await client.publish(subject, text, { expect: { lastSubjectSequence: stored?.seq ?? 0 } });
        return;
      } catch (error) {
        if (!isRefused(error)) throw error; // another mirror was quicker
      }
    }
  };
  await insist(`the vocabulary of ${runId} could not be published`, store, signal);
}
