/**
 * The text of a loop node's iterations, cut from its capture file.
 *
 * An `iteration.started` event says at which byte of `nodes/<node_id>.out` the output of the iteration begins; it ends where
 * the next one begins, the last one at the end of the file. The executor writes a marker line before each begin, so the
 * text of an iteration ends with the marker of the next.
 *
 * Promise: nothing is changed, and no link is followed on the way to the capture file; one that is shorter than the log says is
 * an error.
 */
import { constants } from 'node:fs';
import { basename } from 'node:path';
import { EventLogError, errnoOf, systemError, unsafePath } from '../errors.js';
import { builtInTypes, type IterationStarted, type RunEvent } from '../format/events.js';
import type { LogEvent } from '../format/schema.js';
import { checkOptions } from '../options.js';
import { READ_OPTIONS, type ReadOptions } from '../read/event-filter.js';
import { EventReader } from '../read/event-reader.js';
import { runVocabulary } from '../read/run-vocabulary.js';
import { files } from '../volume/file-calls.js';
import { RUNS, within } from '../volume/folder.js';
import { readFully } from '../volume/open-log.js';
import { CAPTURE_FOLDER, capturePath, placesOf, type RunPlaces } from '../volume/places.js';

/** One iteration of a loop node. */
export interface Iteration {
  /** Its number, from the event. */
  readonly iteration: number;
  /** The attempt of the node it belongs to, counted from 1. */
  readonly attempt: number;
  /** Where its output begins in the capture file, in bytes. */
  readonly start: number;
  /** Where it ends, in bytes; undefined for the last one, which goes on to the end of the file. */
  readonly end: number | undefined;
  /**
   * Reads its output; bytes that are not UTF-8 become U+FFFD.
   *
   * @throws EventLogError `ERR_CAPTURE_NOT_FOUND`, `ERR_CAPTURE_TRUNCATED`, `ERR_UNSAFE_PATH`, `ERR_SYSTEM`.
   */
  text(): Promise<string>;
}

/**
 * The iterations of a loop node, in the order of the log; texts are read when asked for.
 *
 * A run of events of its own has them where its vocabulary has `iteration.started` as the built-in one has it, and none otherwise.
 *
 * `maxLineBytes` is the longest line accepted, in bytes; 16 MiB by default.
 *
 * Where an offset does not rise the capture file was begun again, and the iterations before are gone with the old one.
 *
 * @throws EventLogError `ERR_INVALID_RUN_ID` at once, `ERR_UNSAFE_PATH` for a node id that is not a file name, `ERR_VOCABULARY_INVALID`, and
 * what `EventReader` throws.
 * @example
 * for await (const { iteration, text } of iterations(root, runId, 'fix-loop')) console.log(iteration, await text());
 */
export function iterations(
  root: string,
  runId: string,
  nodeId: string,
  options: Pick<ReadOptions, 'maxLineBytes'> = {},
): AsyncGenerator<Iteration, undefined> {
  const places = placesOf(root, runId);
  checkOptions(options, { maxLineBytes: READ_OPTIONS.maxLineBytes });
  return cut(places, capturePath(places, nodeId), nodeId, options.maxLineBytes);
}

async function* cut(
  places: RunPlaces,
  path: string,
  nodeId: string,
  maxLineBytes: number | undefined,
): AsyncGenerator<Iteration, undefined> {
  let begun: (IterationStarted & { attempt: number })[] = [];
  let starts = 0;
  const events = await runVocabulary(places);
  const builtIn = builtInTypes(events);
  const isBuiltIn = (event: LogEvent): event is RunEvent => builtIn.has(event.type);
  const types = ['node.started', 'iteration.started'].filter(type => builtIn.has(type));
  for await (const event of new EventReader(places, { events, types, nodeId, maxLineBytes })) {
    if (!isBuiltIn(event)) continue;
    if (event.type === 'node.started') starts++;
    if (event.type !== 'iteration.started') continue;
    if (event.byte_offset <= (begun.at(-1)?.byte_offset ?? 0)) begun = []; // a marker is between any two
    begun.push({ ...event, attempt: Math.max(1, starts) });
  }
  for (const [index, { iteration, attempt, byte_offset: start }] of begun.entries()) {
    const end = begun[index + 1]?.byte_offset;
    yield { iteration, attempt, start, end, text: () => readSlice(places, path, start, end) };
  }
  return undefined;
}

async function readSlice(places: RunPlaces, path: string, start: number, end?: number): Promise<string> {
  const fd = await openCapture(places, path);
  try {
    const { size } = await files.fstat(fd);
    if (size < (end ?? start)) {
      const what = `the capture file has ${size} bytes, and the log names output up to ${end ?? start}`;
      throw new EventLogError('ERR_CAPTURE_TRUNCATED', what, { path, offset: start });
    }
    const bytes = Buffer.alloc((end ?? size) - start);
    return bytes.toString('utf8', 0, await readFully(fd, bytes, start));
  } catch (error) {
    throw systemError('the capture file could not be read', path, error);
  } finally {
    await files.close(fd);
  }
}

/** Opens a capture file for reading; links are not followed, neither for it nor for a folder on the way. */
export async function openCapture(places: RunPlaces, path: string): Promise<number> {
  try {
    const names = [...RUNS, basename(places.folder), CAPTURE_FOLDER];
    const fd = await within(places.root, names, nodes => nodes.open(basename(path), constants.O_RDONLY));
    if ((await files.fstat(fd)).isFile()) return fd;
    await files.close(fd);
    throw unsafePath(path, 'is not a regular file');
  } catch (error) {
    if (errnoOf(error) === 'ELOOP') throw unsafePath(path, 'is a symbolic link');
    if (errnoOf(error) === 'ENXIO') throw unsafePath(path, 'is not a regular file'); // a socket
    if (errnoOf(error) !== 'ENOENT') throw systemError('the capture file could not be opened', path, error);
    throw new EventLogError('ERR_CAPTURE_NOT_FOUND', 'the node has no capture file', { path, cause: error });
  }
}
