/**
 * Decoding events from any byte stream: gunzip, a socket, stdin. Built on split2.
 *
 * Promise: as strict as the reader. split2 decodes leniently (a bad byte becomes U+FFFD) and has no bound in bytes, so it is
 * given whole lines, checked, as `LinesInStep` has them: a line that is not UTF-8 is replaced by `BAD_UTF8`, which no valid line
 * can hold. An unterminated last line is not yet written: it is dropped, as readers do.
 */
import { isUtf8 } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type split2 from 'split2';
import { MalformedLineError } from '../errors.js';
import { type EventType, type OmneEvents, omneEvents } from '../format/events.js';
import { LF, lineTooLong, MAX_LINE_BYTES } from '../format/lines.js';
import type { LogEvent } from '../format/schema.js';
import type { DefinitionOf, EventIn, TypesOf, Vocabulary } from '../format/vocabulary.js';
import { onAbort } from '../on-abort.js';
import { checkOptions, type OptionCheck } from '../options.js';
import { loadPackage } from '../packages.js';
import { afterThis } from '../real-time.js';
import { EventFilter, READ_OPTIONS, type ReadOptions } from './event-filter.js';
import { LinesInStep } from './lines-in-step.js';
import { UnfinishedLine } from './unfinished-line.js';

/** What an `eventDecoder` passes on, and what a malformed line does. */
export type DecoderOptions<T extends string = EventType, V extends Vocabulary = OmneEvents> = Pick<
  ReadOptions<T, V>,
  'events' | 'after' | 'types' | 'nodeId' | 'onMalformed' | 'maxLineBytes' | 'signal'
>;

/**
 * A stream of bytes into events, of the types `T`: a stream as any other for a pipeline, typed by `iterator` and `toArray`. (A
 * stream whose own iteration is typed is not a stream that the types of `pipeline` take.)
 *
 * @example
 * const decoder = createReadStream(path).pipe(eventDecoder({ types: ['node.failed'] }));
 * for await (const { error } of decoder.iterator()) console.log(error.kind);
 */
export interface EventDecoder<T extends string = EventType, V extends Vocabulary = OmneEvents>
  extends Duplex {
  /** Event by event, as iterating the stream itself, and typed. */
  iterator(options?: {
    destroyOnReturn?: boolean;
  }): AsyncGenerator<EventIn<DefinitionOf<V>, T>, undefined, undefined>;
  /** All events as one array. */
  toArray(options?: { signal?: AbortSignal }): Promise<EventIn<DefinitionOf<V>, T>[]>;
}

const isForLogs: OptionCheck = () => 'absent: a decoder takes its stream as it comes';
const DECODER_OPTIONS = {
  ...READ_OPTIONS,
  from: isForLogs,
  last: isForLogs,
  limit: isForLogs,
  reverse: isForLogs,
};

const BAD_UTF8 = '\0invalid UTF-8\0'; // a raw control character is not allowed anywhere in JSON
const BAD_LINE = Buffer.from(`${BAD_UTF8}\n`);

/**
 * A stream that takes the bytes of a log and gives `RunEvent`s (object mode), for use in a pipeline.
 *
 * As with any stream of Node, an error drops what was decoded but not yet read; `onMalformed` goes on instead. An aborted
 * `signal` destroys it with its reason, or with an error that has it as `cause` where the reason is not an error.
 *
 * @param options - as for `EventLog.read`: `events`, `after`, `types`, `nodeId`, `onMalformed`, `maxLineBytes`, `signal`.
 * @throws EventLogError as the stream's `error`, each with `line`, counted from the start of the stream: `ERR_MALFORMED_LINE` (a
 * `MalformedLineError`) unless `onMalformed` is a function, `ERR_LINE_TOO_LONG` always.
 * @example
 * const events = createReadStream('events.jsonl.gz').pipe(createGunzip()).pipe(eventDecoder());
 * for await (const event of events) console.log(event.type);
 */
export function eventDecoder<V extends Vocabulary = OmneEvents, T extends TypesOf<V> = TypesOf<V>>(
  options: DecoderOptions<T, V> = {},
): EventDecoder<T, V> {
  checkOptions(options, DECODER_OPTIONS);
  const { events = omneEvents, maxLineBytes = MAX_LINE_BYTES, onMalformed, signal } = options;
  const filter = new EventFilter(options);
  const lines = new LinesInStep(events);
  let line = 0;

  const decode = (text: string): LogEvent | undefined => {
    line++;
    try {
      const event = lines.decode(text);
      return filter.take(event) ? event : undefined;
    } catch (cause) {
      if (!(cause instanceof MalformedLineError)) throw cause;
      const reason = text === BAD_UTF8 ? 'not valid UTF-8' : cause.reason;
      const kind = text === BAD_UTF8 ? 'utf8' : cause.kind;
      const error = new MalformedLineError(reason, { line, kind, cause: cause.cause });
      if (typeof onMalformed !== 'function') throw error;
      onMalformed(error);
      return undefined;
    }
  };

  const stream = loadPackage<typeof split2>('split2')('\n', decode);
  // Wrapping the one method keeps this a single stream; a second one before it would double the cost of each event.
  const split = stream._transform;
  const unfinished = new UnfinishedLine(maxLineBytes);
  stream._transform = (chunk: Buffer, encoding, done) => {
    const { whole, tooLong } = limited(unfinished.complete(chunk), maxLineBytes);
    const over = tooLong || unfinished.bytes > maxLineBytes;
    const finish = (error?: Error | null) =>
      done(error ?? (over ? lineTooLong(maxLineBytes, undefined, undefined, line + 1) : null));
    if (whole.length === 0) {
      finish();
      return;
    }
    const checked = isUtf8(whole) ? whole : markBadLines(whole);
    split.call(stream, lines.use(checked), encoding, finish);
  };
  stream._flush = done => done();
  destroyOnAbort(stream, signal);
  return stream as EventDecoder<T, V>; // what it gives was decoded and filtered above; its iterator is a generator
}

/** The lines before the first one that is too long. */
function limited(lines: Buffer, maxLineBytes: number): { whole: Buffer; tooLong: boolean } {
  for (let start = 0, end: number; lines.length - start > maxLineBytes + 1; start = end + 1) {
    end = lines.indexOf(LF, start);
    if (end - start > maxLineBytes) return { whole: lines.subarray(0, start), tooLong: true };
  }
  return { whole: lines, tooLong: false };
}

/** Puts `BAD_UTF8` in the place of each line that is not UTF-8. */
function markBadLines(bytes: Buffer): Buffer {
  const lines: Buffer[] = [];
  for (let start = 0, end: number; start < bytes.length; start = end) {
    end = bytes.indexOf(LF, start) + 1;
    const line = bytes.subarray(start, end);
    lines.push(isUtf8(line) ? line : BAD_LINE);
  }
  return Buffer.concat(lines);
}

/** Node's own option `signal` would give an AbortError in the place of the reason. */
function destroyOnAbort(stream: Duplex, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const abort = () => {
    const { reason } = signal;
    stream.destroy(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
  };
  if (signal.aborted) afterThis(abort); // a pipeline refuses a stream that was destroyed before it
  stream.once('close', onAbort(signal, abort));
}
