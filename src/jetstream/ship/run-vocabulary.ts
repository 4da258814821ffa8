/**
 * The vocabulary of a run that has one of its own travels with it: its file `vocabulary.json`, unchanged, as a message on a subject
 * of its own.
 *
 * Promise: it is stored once, before the first segment. Where a stream with limits has dropped it, it is stored again when the
 * copy is next looked at.
 */
import { constants } from 'node:fs';
import fse from 'fs-extra';
import { EventLogError, errnoOf, systemError } from '../../errors.js';
import { withinRun } from '../../volume/folder.js';
import { readFully } from '../../volume/open-log.js';
import type { RunPlaces } from '../../volume/places.js';
import { insist, isRefused } from '../retry.js';
import { vocabularySubjectOf } from '../subjects.js';
import { type RunStream, unsuitable } from './run-stream.js';

const FILE_NAME = 'vocabulary.json';
/** A larger file describes no events. */
const MOST_BYTES = 256 * 1024;

/** Makes sure that the vocabulary of a run is stored; a run without a file of it has the built-in one. */
export async function shipVocabulary(
  { client, manager, config }: RunStream,
  runId: string,
  places: RunPlaces,
  signal: AbortSignal | undefined,
): Promise<void> {
  const bytes = await readVocabulary(places);
  if (bytes === undefined) return;
  const subject = vocabularySubjectOf(runId);
  const why = unsuitable(config, subject);
  if (why !== undefined)
    throw new EventLogError('ERR_STREAM_UNSUITABLE', `the stream ${config.name}: ${why}`);
  const store = async () => {
    const stored = await manager.streams.getMessage(config.name, { last_by_subj: subject });
    if (stored !== null) return stored.data;
    const expect = { lastSubjectSequence: 0 };
    await client.publish(subject, bytes, { expect }).catch((error: unknown) => {
      if (!isRefused(error)) throw error; // another mirror was quicker
    });
    return bytes;
  };
  const stored = await insist(`the vocabulary of ${runId} could not be published`, store, signal);
  if (bytes.equals(stored)) return;
  const what = 'the stream has another vocabulary of the run than its folder';
  throw new EventLogError('ERR_MIRROR_DIVERGED', what, { path: pathOf(places) });
}

async function readVocabulary(places: RunPlaces): Promise<Buffer | undefined> {
  try {
    return await withinRun(places, async folder => {
      const fd = await folder.open(FILE_NAME, constants.O_RDONLY);
      try {
        const space = Buffer.allocUnsafe(MOST_BYTES + 1);
        const length = await readFully(fd, space, 0);
        if (length <= MOST_BYTES) return space.subarray(0, length);
        throw new EventLogError('ERR_MESSAGE_TOO_LARGE', `a vocabulary has at most ${MOST_BYTES} bytes`, {
          path: pathOf(places),
        });
      } finally {
        await fse.close(fd);
      }
    });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw systemError('the vocabulary could not be read', pathOf(places), error);
  }
}

function pathOf({ folder }: RunPlaces): string {
  return `${folder}/${FILE_NAME}`;
}
