/**
 * The vocabulary that a run carries.
 *
 * Promise: runs with the same text share one vocabulary, and with it what is compiled of it; few are kept.
 */
import { omneEvents } from '../format/events.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { MAX_VOCABULARY_BYTES, parseVocabulary } from '../format/vocabulary-text.js';
import type { Folder } from '../volume/folder.js';
import type { RunPlaces } from '../volume/places.js';
import { readVocabularyText, vocabularyPath } from '../volume/vocabulary-file.js';

const MAX_KEPT = 16;
const kept = new Map<string, Vocabulary>();

/**
 * The vocabulary of a run: that of its `vocabulary.json`, or the built-in one where it has none.
 *
 * @throws EventLogError `ERR_VOCABULARY_INVALID` where it has one that cannot be read; `ERR_SYSTEM`.
 */
export async function runVocabulary(places: RunPlaces, runs?: Folder): Promise<Vocabulary> {
  const text = await readVocabularyText(places, MAX_VOCABULARY_BYTES, runs);
  if (text === undefined) return omneEvents;
  const known = kept.get(text);
  if (known !== undefined) return known;
  const vocabulary = parseVocabulary(text, vocabularyPath(places));
  const [oldest] = kept.keys();
  if (kept.size >= MAX_KEPT && oldest !== undefined) kept.delete(oldest);
  kept.set(text, vocabulary);
  return vocabulary;
}
