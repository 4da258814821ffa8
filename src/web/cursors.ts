/**
 * Cursors: texts that say how far a page has come. Opaque to the page.
 *
 * Promise: a text that is no cursor, or one of something else, is found out, never taken for a place.
 */

/** How far a page has come in the events of a run. */
export interface RunCursor {
  /** Which log; empty where it had no event. */
  readonly epoch: string;
  /** The position after the last event. */
  readonly position: number;
  /** How many events that is. */
  readonly count: number;
}

/** How far a page has come in an output. */
export interface OutputCursor {
  /** Which file; empty where there was none. */
  readonly file: string;
  readonly offset: number;
}

/** How far a page has come in the changes of the list. */
export interface ListCursor {
  /** Which server. */
  readonly epoch: string;
  readonly version: number;
}

export function formatRunCursor({ epoch, position, count }: RunCursor): string {
  return `${epoch}.${position}.${count}`;
}

export function parseRunCursor(text: string): RunCursor | undefined {
  const [, epoch, position, count] = /^([0-9a-f]{0,12})\.(\d{1,16})\.(\d{1,16})$/.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch, position: Number(position), count: Number(count) };
}

export function formatOutputCursor({ file, offset }: OutputCursor): string {
  return `${file}.${offset}`;
}

export function parseOutputCursor(text: string): OutputCursor | undefined {
  const [, file, offset] = /^([0-9a-z-]{0,40})\.(\d{1,16})$/.exec(text) ?? [];
  return file === undefined ? undefined : { file, offset: Number(offset) };
}

/** Between the cursor of the events and that of the output in the id of a message. */
const SEPARATOR = '~';

/** The id of a message about a run: the cursor of its events, and where an output is sent with them, that of the output. */
export function formatStreamId(run: RunCursor, output: OutputCursor | undefined): string {
  const text = formatRunCursor(run);
  return output === undefined ? text : `${text}${SEPARATOR}${formatOutputCursor(output)}`;
}

/** The texts of the two cursors in an id, as far as they are there. */
export function partsOfStreamId(id: string): string[] {
  return id.split(SEPARATOR);
}

export function formatListCursor({ epoch, version }: ListCursor): string {
  return `${epoch}.${version}`;
}

export function parseListCursor(text: string): ListCursor | undefined {
  const [, epoch, version] = /^([0-9a-f]{1,16})\.(\d{1,16})$/.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch, version: Number(version) };
}
