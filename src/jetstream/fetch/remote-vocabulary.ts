/** The vocabulary that a remote run carries. */
import type { NatsConnection } from '@nats-io/transport-node';
import { omneEvents } from '../../format/events.js';
import type { Vocabulary } from '../../format/vocabulary.js';
import { parseVocabulary } from '../../format/vocabulary-text.js';
import { DEFAULT_STREAM } from '../subjects.js';
import { remoteOf, StoredRun } from './stored-run.js';

/** That of a run, or the built-in one where it has none; `ERR_VOCABULARY_INVALID` where what is stored is none. */
export async function vocabularyOf(run: StoredRun): Promise<Vocabulary> {
  const text = await run.vocabulary();
  return text === undefined ? omneEvents : parseVocabulary(text, `${run.path}.vocabulary`);
}

/** The same, of a run by its id. */
export async function remoteVocabulary(
  connection: NatsConnection,
  runId: string,
  { stream = DEFAULT_STREAM }: { stream?: string },
): Promise<Vocabulary> {
  return vocabularyOf(new StoredRun(await remoteOf(connection, stream), runId));
}
