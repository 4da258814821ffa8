/**
 * A vocabulary: the event types of a log, as a value.
 *
 * Promise: all that is known of types and fields hangs on this value: the shapes the strict checker walks, and the lanes compiled
 * from them. Nothing of it is global, so logs of different vocabularies live in one process. What is compiled is compiled when it
 * is first needed.
 */
import { checkOptions, type OptionCheck } from '../options.js';
import { COMMON, type Shape, shapeOf } from './check.js';
import { EVENT_SCHEMA, type EventSchema } from './events.js';
import { Lanes } from './lanes/lanes.js';
import { LineMatcher } from './lanes/line-matcher.js';

/**
 * The event types of a log: what may be appended to it, and what its lines may hold.
 *
 * @example
 * const log = await EventLog.create(root, 'feature', { events: omneEvents }); // as without the option
 */
export class Vocabulary {
  /** The event types, in the order of their definition. */
  readonly types: readonly string[];
  /** For each type, the fields of an event in wire order. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** For each type, the fields a draft has. */
  readonly draftShapes: ReadonlyMap<string, Shape>;
  readonly #terminal: ReadonlySet<string>;
  readonly #lanes: Lanes;
  #matcher: LineMatcher | undefined;
  #textMatcher: LineMatcher | undefined;

  /** `terminal` names the types that end a run. */
  constructor(schema: EventSchema, terminal: readonly string[]) {
    const specs = Object.entries(schema);
    this.types = Object.freeze(specs.map(([type]) => type));
    this.shapes = new Map(specs.map(([type, spec]) => [type, shapeOf({ ...COMMON, ...spec }, type)]));
    this.draftShapes = new Map(specs.map(([type, spec]) => [type, shapeOf(spec, type)]));
    this.#terminal = new Set(terminal);
    this.#lanes = new Lanes(schema);
  }

  /**
   * The matcher of whoever decodes a block of lines without a wait. Shared by all of them: making one for each of many short logs
   * would take longer than reading them.
   */
  get matcher(): LineMatcher {
    return (this.#matcher ??= this.newMatcher());
  }

  /** The matcher of lines that are given one by one; what `matcher` is at stays as it is. */
  get textMatcher(): LineMatcher {
    return (this.#textMatcher ??= this.newMatcher());
  }

  /** A matcher for one user alone. */
  newMatcher(): LineMatcher {
    return new LineMatcher(this.#lanes);
  }

  /** Whether events of a type end their run. */
  isTerminalType(type: string): boolean {
    return this.#terminal.has(type);
  }

  /** Whether an event ends its run: nothing may be appended after it. */
  isTerminal(event: { readonly type: string }): boolean {
    return this.#terminal.has(event.type);
  }
}

/** The built-in vocabulary: the events of pipe runs. */
export const omneEvents: Vocabulary = new Vocabulary(EVENT_SCHEMA, ['pipe.completed', 'pipe.aborted']);

/** How one event is encoded or decoded. */
export interface CodecOptions {
  /** The vocabulary of the event; `omneEvents` by default. */
  events?: Vocabulary | undefined;
}

/** What the option `events` must be, wherever it is taken. */
export const isVocabulary: OptionCheck = value =>
  value instanceof Vocabulary ? undefined : 'a vocabulary, such as omneEvents';

const CODEC_OPTIONS: Readonly<Record<keyof CodecOptions, OptionCheck>> = { events: isVocabulary };

/** The vocabulary that the options of a codec name. A number is no option, but the index that `lines.map(decodeEvent)` passes. */
export function vocabularyOf(options: CodecOptions | number | undefined): Vocabulary {
  if (options === undefined || typeof options === 'number') return omneEvents;
  checkOptions(options, CODEC_OPTIONS);
  return options.events ?? omneEvents;
}
