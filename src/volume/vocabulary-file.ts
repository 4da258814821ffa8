/**
 * `vocabulary.json` in the folder of a run, as text.
 *
 * Promises: it is written whole and durable or not at all. Reading it follows no link, takes nothing but a regular file, and no more
 * than the caller allows.
 */
import fs, { constants } from 'node:fs';
import { join } from 'node:path';
import { ulid } from 'ulid';
import { EventLogError, errnoOf, systemError } from '../errors.js';
import { files } from './file-calls.js';
import { type Folder, withinRun } from './folder.js';
import { syncFolder } from './make-folders.js';
import { readFully } from './open-log.js';
import { type RunPlaces, VOCABULARY_NAME } from './places.js';

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = constants;

/** The path of the vocabulary of a run. */
export function vocabularyPath(places: RunPlaces): string {
  return join(places.folder, VOCABULARY_NAME);
}

/**
 * The text of a run's vocabulary; undefined where it has none, which means the built-in one. `runs` is the folder of all runs, where
 * that is held already.
 *
 * @throws EventLogError `ERR_VOCABULARY_INVALID` for what is not a regular file, or larger than `maxBytes`.
 */
export async function readVocabularyText(
  places: RunPlaces,
  maxBytes: number,
  runs?: Folder,
): Promise<string | undefined> {
  try {
    return await withinRun(places, folder => readInside(folder, places, maxBytes), runs);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    if (error instanceof EventLogError) throw error;
    if (['ELOOP', 'EMLINK', 'ENXIO', 'EISDIR'].includes(errnoOf(error) ?? '')) throw noFile(places, error);
    throw systemError('the vocabulary could not be read', vocabularyPath(places), error);
  }
}

async function readInside(folder: Folder, places: RunPlaces, maxBytes: number): Promise<string> {
  const fd = await folder.open(VOCABULARY_NAME, O_RDONLY);
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw noFile(places);
    const bytes = Buffer.alloc(Math.min(stat.size, maxBytes) + 1);
    const read = await readFully(fd, bytes, 0);
    if (read > maxBytes) throw invalid(places, `it is larger than ${maxBytes} bytes`);
    return bytes.toString('utf8', 0, read);
  } finally {
    fs.closeSync(fd);
  }
}

/** Puts a text in the place of a run's vocabulary: a reader sees the old one or the new one, also after a power cut. */
export async function writeVocabularyText(places: RunPlaces, text: string, mode = 0o666): Promise<void> {
  const name = `${VOCABULARY_NAME}.new-${ulid().toLowerCase()}`;
  try {
    await withinRun(places, async folder => {
      const fd = await folder.open(name, O_RDWR | O_CREAT | O_EXCL, mode);
      try {
        await files.writeFile(fd, text);
        await files.fsync(fd);
        await files.rename(folder.at(name), folder.at(VOCABULARY_NAME));
      } catch (error) {
        await files.unlink(folder.at(name)).catch(() => undefined); // the first error is the one to report
        throw error;
      } finally {
        await files.close(fd);
      }
      await syncFolder(folder.at('.'));
    });
  } catch (error) {
    throw systemError('the vocabulary could not be written', vocabularyPath(places), error);
  }
}

function noFile(places: RunPlaces, cause?: unknown): EventLogError {
  return invalid(places, 'it is a link, or no regular file', cause);
}

function invalid(places: RunPlaces, why: string, cause?: unknown): EventLogError {
  const what = `the vocabulary of the run is damaged: ${why}`;
  return new EventLogError('ERR_VOCABULARY_INVALID', what, { path: vocabularyPath(places), cause });
}
