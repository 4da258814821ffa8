/**
 * Encoding: from an event, or the draft of one, to its line of canonical JSON.
 *
 * Promise: the bytes are those of the reference serializer: no white space, keys in schema order, absent and
 * empty-by-default fields left out.
 */
import { EventLogError } from '../errors.js';
import { isDefault, shapeFor, takeRecord, type Values } from './check.js';
import { type CodecOptions, vocabularyOf } from './codec-options.js';
import { omneEvents, type RunEvent } from './events.js';
import { headOf } from './lanes/draft-lane.js';
import { type Field, hasDefaults, type LogEvent, type Shape } from './schema.js';
import { SchemaViolation } from './violation.js';
import type { EventsOf, Vocabulary } from './vocabulary.js';

/**
 * Encodes an event as one line of canonical JSON, without the newline.
 *
 * @param event - a complete event, as decoding gives it.
 * @throws EventLogError `ERR_INVALID_EVENT` with `field` when the value breaks the schema.
 * @example
 * encodeEvent({ type: 'pipe.completed', id, ts: '2026-04-15T12:00:00Z', run_id: runId });
 */
export function encodeEvent(event: RunEvent): string;
export function encodeEvent<V extends Vocabulary>(event: EventsOf<V>, options: CodecOptions<V>): string;
export function encodeEvent(event: LogEvent, options?: CodecOptions<Vocabulary>): string {
  const vocabulary = vocabularyOf(options);
  return asInvalidEvent(() => {
    const shape = shapeFor(vocabulary.shapes, event);
    return `{"type":"${shape.tag}"${fieldsText(shape, takeRecord(shape, event, 'event'))}}`;
  });
}

/**
 * An event that waits for its id and time: the line is `head + id + MIDDLE + ts + tail`, newline included. Making the
 * text at the call, not at the commit, is what lets a caller change or reuse the draft at once.
 */
export interface PreparedEvent {
  readonly event: LogEvent;
  readonly head: string;
  readonly tail: string;
  /** The bytes of the whole line, newline included. */
  readonly bytes: number;
}

const MIDDLE = '","ts":"';
const ID_BYTES = 26;
const TS_BYTES = 24;

/** Checks a draft and copies it; the copy gets `id` and `ts` when it is stamped. */
export function prepareDraft(
  draft: unknown,
  runId: string,
  at = '',
  vocabulary: Vocabulary = omneEvents,
): PreparedEvent {
  const copied = vocabulary.draftLane.take(draft, runId);
  if (copied === undefined) return prepareStrictly(draft, runId, at, vocabulary);
  const { event, head, fields, wide } = copied;
  return preparedEvent(event, head, fields, wide);
}

/** The strict lane: any legal draft, and the error where it is not legal. */
export function prepareStrictly(
  draft: unknown,
  runId: string,
  at = '',
  vocabulary: Vocabulary = omneEvents,
): PreparedEvent {
  return asInvalidEvent(() => {
    const shape = shapeFor(vocabulary.draftShapes, draft);
    const stamped = { type: shape.tag, id: '', ts: '', run_id: runId };
    const event = takeRecord(shape, draft, 'draft', '', stamped) as Values & LogEvent; // as in decodeStrictly
    return preparedEvent(event, headOf(event.type), fieldsText(shape, event), true);
  }, at);
}

function preparedEvent(event: LogEvent, head: string, fields: string, wide: boolean): PreparedEvent {
  const tail = `","run_id":"${event.run_id}"${fields}}\n`;
  const tailBytes = wide ? Buffer.byteLength(tail) : tail.length;
  return { event, head, tail, bytes: head.length + ID_BYTES + MIDDLE.length + TS_BYTES + tailBytes };
}

/** Gives a prepared event its id (26 characters) and time (24 characters), and returns its line. */
export function stampEvent(prepared: PreparedEvent, id: string, ts: string): string {
  prepared.event.id = id;
  prepared.event.ts = ts;
  return prepared.head + id + MIDDLE + ts + prepared.tail;
}

/** The fields after `type`, each led by a comma; the wire leaves out what is absent or has its default. */
function fieldsText(shape: Shape, record: Values): string {
  let text = '';
  for (const field of shape.fields) {
    if (!Object.hasOwn(record, field.name)) continue;
    const value = record[field.name];
    if (field.spec.presence === 'defaulted' && isDefault(field, value)) continue;
    text += `,"${field.name}":${valueText(field, value)}`;
  }
  return text;
}

/** The text of a value that was checked. */
function valueText(field: Field, value: unknown): string {
  if (!hasDefaults(field)) return JSON.stringify(value);
  const { shape, item } = field;
  if (item !== undefined && Array.isArray(value))
    return `[${value.map(each => valueText(item, each)).join(',')}]`;
  return shape === undefined ? '' : `{${fieldsText(shape, { ...Object(value) }).slice(1)}}`;
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
