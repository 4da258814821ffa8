/**
 * Decoding: from one line to a typed event.
 *
 * Promises: `decodeEvent` accepts and rejects what the reference deserializer does; README.md beside this file lists the
 * differences. What `append` accepts, `decodeEvent` gives back equal.
 */
import { isUtf8 } from 'node:buffer';
import { MalformedLineError, messageOf } from '../errors.js';
import { shapeFor, takeRecord, type Values } from './check.js';
import { type CodecOptions, vocabularyOf } from './codec-options.js';
import { omneEvents, type RunEvent } from './events.js';
import { type LineMatcher, matchText } from './lanes/line-matcher.js';
import type { LogEvent, Shape } from './schema.js';
import { NoObject, NumberViolation, SchemaViolation, UnknownType } from './violation.js';
import type { EventsOf, Vocabulary } from './vocabulary.js';
import { checkText, numberText } from './written-text.js';

/**
 * Decodes one line.
 *
 * @param line - the text or UTF-8 bytes of one line, with or without its newline.
 * @returns a plain object with the wire's names; unknown fields are dropped, `inputs` and `distro_version` filled in.
 * @throws MalformedLineError `ERR_MALFORMED_LINE` with `reason`.
 * @example
 * const event = decodeEvent('{"type":"pipe.completed","id":"01k…","ts":"2026-04-15T12:00:00Z","run_id":"feature-01k…"}');
 */
export function decodeEvent(line: string | Uint8Array): RunEvent;
export function decodeEvent<V extends Vocabulary>(
  line: string | Uint8Array,
  options: CodecOptions<V>,
): EventsOf<V>;
export function decodeEvent(line: string | Uint8Array, options?: CodecOptions<Vocabulary>): LogEvent {
  if (typeof line !== 'string' && !(line instanceof Uint8Array))
    throw new TypeError('decodeEvent takes a string or a Uint8Array');
  return decodeLine(line, vocabularyOf(options));
}

/** Decodes one line of a log of a vocabulary. */
export function decodeLine(line: string | Uint8Array, vocabulary: Vocabulary = omneEvents): LogEvent {
  if (typeof line === 'string')
    return line.isWellFormed() ? decodeText(line, vocabulary) : decodeStrictly(line, vocabulary);
  if (!isUtf8(line)) throw new MalformedLineError('not valid UTF-8', { kind: 'utf8' });
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8');
  return decodeText(text, vocabulary);
}

/** Decodes text that holds no lone surrogate, as text from valid UTF-8 never does. */
export function decodeText(text: string, vocabulary: Vocabulary = omneEvents): LogEvent {
  const matcher = vocabulary.textMatcher;
  return matchText(matcher, text)
    ? decodeMatched(matcher, vocabulary, text)
    : decodeStrictly(text, vocabulary);
}

/**
 * Decodes the line that a matcher of the vocabulary was given last, whose text may be given, or its bytes as Latin-1: by the fast
 * lane, the middle one, or the strict one.
 */
export function decodeMatched(
  line: LineMatcher,
  vocabulary: Vocabulary,
  text?: string,
  latin1 = false,
): LogEvent {
  return (
    line.event(text, latin1) ??
    line.flatEvent(text, latin1) ??
    decodeStrictly(text === undefined || latin1 ? line.text() : text, vocabulary)
  );
}

/** The strict lane: any legal text, and the reason where it is not legal. */
export function decodeStrictly(text: string, vocabulary: Vocabulary = omneEvents): LogEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MalformedLineError(whyNotJson(text, cause), { kind: 'json', cause });
  }
  return asMalformedLine(() => {
    const shape = shapeFor(vocabulary.shapes, value);
    const event = takeAsWritten(shape, value, text);
    checkText(text, shape);
    return event as Values & LogEvent; // takeRecord copied exactly the fields the shape gives this type
  });
}

/** Takes the record that a text was parsed to; a number that is reported is reported as it is written there. */
function takeAsWritten(shape: Shape, value: unknown, text: string): Values {
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
    if (!(error instanceof SchemaViolation)) throw error;
    const kind = error instanceof UnknownType ? 'type' : error instanceof NoObject ? 'json' : 'field';
    throw new MalformedLineError(error.message, { kind });
  }
}

function whyNotJson(text: string, cause: unknown): string {
  if (text.startsWith('\uFEFF')) return 'it begins with a byte order mark';
  return text.trim() === '' ? 'blank line' : `not JSON: ${messageOf(cause)}`;
}

/** The event of a line; undefined where it is none: that is left to the reading that follows. */
export function decodeOrSkip(line: Uint8Array): RunEvent | undefined;
export function decodeOrSkip(line: Uint8Array, vocabulary: Vocabulary | undefined): LogEvent | undefined;
export function decodeOrSkip(line: Uint8Array, vocabulary?: Vocabulary): LogEvent | undefined {
  try {
    return decodeLine(line, vocabulary);
  } catch (error) {
    if (error instanceof MalformedLineError) return undefined;
    throw error;
  }
}
