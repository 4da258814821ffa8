/**
 * The codec for one line: canonical JSON text on one side, a typed event on the other.
 *
 * Promises: `encodeEvent` gives the bytes the reference serializer gives (no white space, keys in schema order, absent
 * and empty-by-default fields left out). `decodeEvent` accepts and rejects what the reference deserializer does; the
 * README lists the differences. What `append` accepts, `decodeEvent` gives back equal.
 */
import { isUtf8 } from 'node:buffer';
import {
  DRAFT_SHAPES,
  EVENT_SHAPES,
  NumberViolation,
  SchemaViolation,
  type Shape,
  shapeFor,
  takeRecord,
} from './check.js';
import { EventLogError, MalformedLineError, messageOf } from './errors.js';
import type { RunEvent } from './events.js';
import { checkText, numberText } from './json-text.js';
import { type LineMatcher, matcherAt } from './matcher.js';

/**
 * Encodes an event as one line of canonical JSON, without the newline.
 *
 * @param event - a complete event, as decoding gives it.
 * @throws EventLogError `ERR_INVALID_EVENT` with `field` when the value breaks the schema.
 * @example
 * encodeEvent({ type: 'pipe.completed', id, ts: '2026-04-15T12:00:00Z', run_id: runId });
 */
export function encodeEvent(event: RunEvent): string {
  return asInvalidEvent(() => {
    const shape = shapeFor(EVENT_SHAPES, event);
    return `{"type":"${shape.tag}"${fieldsText(shape, takeRecord(shape, event, 'event'))}}`;
  });
}

/**
 * Decodes one line.
 *
 * @param line - the text or UTF-8 bytes of one line, with or without its newline.
 * @returns a plain object with the wire's names; unknown fields are dropped, `inputs` and `distro_version` filled in.
 * @throws MalformedLineError `ERR_MALFORMED_LINE` with `reason`.
 * @example
 * const event = decodeEvent('{"type":"pipe.completed","id":"01k…","ts":"2026-04-15T12:00:00Z","run_id":"feature-01k…"}');
 */
export function decodeEvent(line: string | Uint8Array): RunEvent {
  if (typeof line === 'string') return line.isWellFormed() ? decodeText(line) : decodeStrictly(line);
  if (!(line instanceof Uint8Array)) throw new TypeError('decodeEvent takes a string or a Uint8Array');
  if (!isUtf8(line)) throw new MalformedLineError('not valid UTF-8');
  return decodeText(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'));
}

/** Decodes text that holds no lone surrogate, as text from valid UTF-8 never does. */
export function decodeText(text: string): RunEvent {
  const line = matcherAt(text);
  return line === undefined ? decodeStrictly(text) : decodeMatched(line, text);
}

/** Decodes the line that a matcher was given last, whose text may be given: by the fast lane, the middle one, or the strict one. */
export function decodeMatched(line: LineMatcher, text?: string): RunEvent {
  return line.event(text) ?? line.flatEvent(text) ?? decodeStrictly(text ?? line.text());
}

/** The strict lane: any legal text, and the reason where it is not legal. */
export function decodeStrictly(text: string): RunEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MalformedLineError(whyNotJson(text, cause), { cause });
  }
  return asMalformedLine(() => {
    const shape = shapeFor(EVENT_SHAPES, value);
    const event = takeAsWritten(shape, value, text);
    checkText(text, shape);
    return event as RunEvent; // takeRecord copied exactly the fields the schema gives this type
  });
}

/** Takes the record that a text was parsed to; a number that is told of is told as it is written there. */
function takeAsWritten(shape: Shape, value: unknown, text: string): ReturnType<typeof takeRecord> {
  try {
    return takeRecord(shape, value, 'wire');
  } catch (error) {
    if (!(error instanceof NumberViolation)) throw error;
    const written = numberText(text, shape, error.field);
    throw written === undefined ? error : error.writtenAs(written);
  }
}

function asMalformedLine<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof SchemaViolation ? new MalformedLineError(error.message) : error;
  }
}

/**
 * An event that waits for its id and time: the line is `head + id + MIDDLE + ts + tail`, newline included. Making the
 * text at the call, not at the commit, is what lets a caller change or reuse the draft at once.
 */
export interface PreparedEvent {
  readonly event: RunEvent;
  readonly head: string;
  readonly tail: string;
  /** The bytes of the whole line, newline included. */
  readonly bytes: number;
}

const MIDDLE = '","ts":"';
const ID_BYTES = 26;
const TS_BYTES = 24;

/** Checks a draft and copies it; the copy gets `id` and `ts` when it is stamped. */
export function prepareDraft(draft: unknown, runId: string, at = ''): PreparedEvent {
  return asInvalidEvent(() => {
    const shape = shapeFor(DRAFT_SHAPES, draft);
    const stamped = { type: shape.tag, id: '', ts: '', run_id: runId };
    const event = takeRecord(shape, draft, 'draft', '', stamped) as RunEvent; // as in decodeStrictly
    const head = `{"type":"${shape.tag}","id":"`;
    const tail = `","run_id":"${runId}"${fieldsText(shape, event)}}\n`;
    return {
      event,
      head,
      tail,
      bytes: head.length + ID_BYTES + MIDDLE.length + TS_BYTES + Buffer.byteLength(tail),
    };
  }, at);
}

/** Gives a prepared event its id (26 characters) and time (24 characters), and returns its line. */
export function stampEvent(prepared: PreparedEvent, id: string, ts: string): string {
  prepared.event.id = id;
  prepared.event.ts = ts;
  return prepared.head + id + MIDDLE + ts + prepared.tail;
}

/** The fields behind `type`, each led by a comma; the wire leaves out what is absent or empty by default. */
function fieldsText(shape: Shape, record: { [name: string]: unknown }): string {
  let text = '';
  for (const { name, spec } of shape.fields) {
    if (!Object.hasOwn(record, name)) continue;
    const value = record[name];
    if (spec.presence === 'defaulted' && (value === '' || (Array.isArray(value) && value.length === 0)))
      continue;
    text += `,"${name}":${JSON.stringify(value)}`;
  }
  return text;
}

function asInvalidEvent<T>(work: () => T, at = ''): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SchemaViolation)) throw error;
    const field = [at, error.field].filter(part => part !== '').join('.');
    throw new EventLogError('ERR_INVALID_EVENT', `invalid event: ${error.message}`, { field });
  }
}

function whyNotJson(text: string, cause: unknown): string {
  if (text.startsWith('\uFEFF')) return 'it begins with a byte order mark';
  return text.trim() === '' ? 'blank line' : `not JSON: ${messageOf(cause)}`;
}
