/**
 * A vocabulary: the event types of a log, as a value.
 *
 * Promise: all that is known of types and fields hangs on this value: the shapes the strict checker walks, and the lanes compiled
 * from them. Nothing of it is global, so logs of different vocabularies live in one process. What is compiled is compiled when it
 * is first needed.
 */
import { checkOptions, type OptionCheck } from '../options.js';
import { checkSchema } from './definition.js';
import { mustBeFields } from './field.js';
import type { DraftValuesOf, FieldsDefinition, Flat, ValuesOf } from './field-types.js';
import { DraftLane } from './lanes/draft-lane.js';
import { Lanes } from './lanes/lanes.js';
import { LineMatcher } from './lanes/line-matcher.js';
import { COMMON, type EventSchema, type Shape, shapeOf } from './schema.js';

/** The fields of each event type, as `defineEvents` takes them; every event has `type`, `id`, `ts` and `run_id` besides. */
export interface EventsDefinition {
  /** The fields of the events of one type. */
  readonly [type: string]: FieldsDefinition;
}

/** The event of one type of a definition. */
export type EventIn<D extends EventsDefinition, T extends string> = {
  [K in T & keyof D]: Flat<{ type: K; id: string; ts: string; run_id: string } & ValuesOf<D[K]>>;
}[T & keyof D];

/** The draft of one type of a definition. */
export type DraftIn<D extends EventsDefinition, T extends string> = {
  [K in T & keyof D]: Flat<{ readonly type: K } & DraftValuesOf<D[K]>>;
}[T & keyof D];

/** The definition of a vocabulary. */
export type DefinitionOf<V extends Vocabulary> = NonNullable<V['~definition']>;
/** The event types of a vocabulary. */
export type TypesOf<V extends Vocabulary> = keyof DefinitionOf<V> & string;
/** The events of a vocabulary: a union discriminated by `type`. */
export type EventsOf<V extends Vocabulary> = EventIn<DefinitionOf<V>, TypesOf<V>>;
/** The drafts of a vocabulary: its events without `id`, `ts` and `run_id`. */
export type DraftsOf<V extends Vocabulary> = DraftIn<DefinitionOf<V>, TypesOf<V>>;

/** What else is to be said of a vocabulary. */
export interface VocabularyOptions<Type extends string = string> {
  /** The types that end a run: nothing may be appended after an event of them. None by default. */
  terminal?: readonly Type[] | undefined;
}

/**
 * The event types of a log: what may be appended to it, and what its lines may hold. Made by `defineEvents` and `extend`.
 *
 * @example
 * const log = await EventLog.create(root, 'feature', { events: omneEvents }); // as without the option
 */
export class Vocabulary<D extends EventsDefinition = EventsDefinition> {
  /** For the compiler alone; absent always. */
  declare readonly '~definition'?: D;
  /** The event types, in the order of their definition. */
  readonly types: readonly string[];
  /** The types that end a run. */
  readonly terminal: readonly string[];
  /** The fields of each type, as data. */
  readonly schema: EventSchema;
  /** For each type, the fields of an event in wire order. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** For each type, the fields a draft has. */
  readonly draftShapes: ReadonlyMap<string, Shape>;
  readonly #terminal: ReadonlySet<string>;
  readonly #lanes: Lanes;
  /** The compiled lane of writing. */
  readonly draftLane: DraftLane;
  #matcher: LineMatcher | undefined;
  #textMatcher: LineMatcher | undefined;

  /** Called by `defineEvents`; throws a `TypeError` for a schema that breaks the rules. */
  constructor(schema: EventSchema, terminal: readonly string[]) {
    checkSchema(schema, terminal);
    const specs = Object.entries(schema);
    this.schema = schema;
    this.types = Object.freeze(Object.keys(schema));
    this.terminal = Object.freeze([...terminal]);
    this.shapes = new Map(specs.map(([type, spec]) => [type, shapeOf({ ...COMMON, ...spec }, type)]));
    this.draftShapes = new Map(specs.map(([type, spec]) => [type, shapeOf(spec, type)]));
    this.#terminal = new Set(terminal);
    this.#lanes = new Lanes(this.shapes);
    this.draftLane = new DraftLane(this.draftShapes);
  }

  /**
   * A vocabulary with more types: those of this one, and others.
   *
   * @throws TypeError as `defineEvents` does, and for a type that is there already.
   * @example
   * const agents = omneEvents.extend({ 'tool.called': { node_id: field.string(), tool: field.string() } });
   */
  extend<const E extends EventsDefinition>(
    definition: E,
    options: VocabularyOptions<keyof E & string> = {},
  ): Vocabulary<D & E> {
    const added = schemaOf(definition);
    const twice = Object.keys(added).find(type => this.shapes.has(type));
    if (twice !== undefined) throw new TypeError(`event type ${JSON.stringify(twice)} is defined already`);
    return new Vocabulary<D & E>({ ...this.schema, ...added }, [...this.terminal, ...terminalOf(options)]);
  }

  /** Whether there is an event type of this name. */
  has(type: string): boolean {
    return this.shapes.has(type);
  }

  /** Whether events of a type end their run. */
  isTerminalType(type: string): boolean {
    return this.#terminal.has(type);
  }

  /** Whether an event ends its run: nothing may be appended after it. */
  isTerminal(event: { readonly type: string }): boolean {
    return this.#terminal.has(event.type);
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
}

/**
 * Defines the events of a program.
 *
 * @param definition - the fields of each event type; in a line they have this order.
 * @param options - `terminal`: the types that end a run.
 * @returns a value for the option `events`, wherever events are made or read.
 * @throws TypeError for names and limits: types are made of letters, digits, ".", "_" and "-", fields of letters, digits and "_".
 * @example
 * export const builds = defineEvents(
 *   {
 *     'step.finished': { step: field.string(), seconds: field.number(), outcome: field.enum('ok', 'failed') },
 *     'build.finished': { ok: field.boolean() },
 *   },
 *   { terminal: ['build.finished'] },
 * );
 */
export function defineEvents<const D extends EventsDefinition>(
  definition: D,
  options: VocabularyOptions<keyof D & string> = {},
): Vocabulary<D> {
  return new Vocabulary<D>(schemaOf(definition), terminalOf(options));
}

function schemaOf(definition: EventsDefinition): EventSchema {
  if (typeof definition !== 'object' || definition === null || Array.isArray(definition))
    throw new TypeError('the events must be an object: the fields of each type');
  return Object.fromEntries(
    Object.entries(definition).map(([type, fields]) => [type, mustBeFields(fields, type)]),
  );
}

function terminalOf<Type extends string>(options: VocabularyOptions<Type>): readonly Type[] {
  checkOptions(options, VOCABULARY_OPTIONS);
  return options.terminal ?? [];
}

const areTexts: OptionCheck = value =>
  Array.isArray(value) && value.every(each => typeof each === 'string')
    ? undefined
    : 'an array of event types';
const VOCABULARY_OPTIONS: Readonly<Record<keyof VocabularyOptions, OptionCheck>> = { terminal: areTexts };

/** What the option `events` must be, wherever it is taken. */
export const isVocabulary: OptionCheck = value =>
  value instanceof Vocabulary ? undefined : 'a vocabulary: omneEvents, or what defineEvents makes';
