/**
 * The vocabulary: the event types, written once as data.
 *
 * `EVENT_SCHEMA` is the single source. The TypeScript types below, the strict checker (`check.ts`) and everything else
 * that knows field names derive from it. The order of the fields is the order on the wire. The fields every event has
 * (`type`, `id`, `ts`, `run_id`) come first on the wire and are not repeated in the table.
 */
import { isDeepStrictEqual } from 'node:util';
import type { DeepReadonly, FieldPresence, FieldType, Flat } from './field-types.js';
import { type DefinitionOf, type DraftIn, type EventIn, type TypesOf, Vocabulary } from './vocabulary.js';

/** The fields of each event type after the common ones, in wire order. */
export const EVENT_SCHEMA = {
  'pipe.started': {
    pipe: { type: 'string' },
    inputs: {
      type: 'list',
      of: { type: 'object', of: { key: { type: 'string' }, value: { type: 'string' } } },
      presence: 'defaulted',
      default: [],
    },
    distro_version: { type: 'string', presence: 'defaulted', default: '' },
  },
  'pipe.completed': {},
  'pipe.aborted': {
    reason: { type: 'string' },
  },
  'node.started': {
    node_id: { type: 'string' },
    kind: { type: 'enum', values: ['command', 'prompt', 'bash', 'loop'] },
    name: { type: 'string', presence: 'optional' },
    model: { type: 'string', presence: 'optional' },
  },
  'node.completed': {
    node_id: { type: 'string' },
    output_path: { type: 'string', draft: 'relative-path' },
  },
  'node.failed': {
    node_id: { type: 'string' },
    error: {
      type: 'object',
      of: {
        kind: {
          type: 'enum',
          values: [
            'host_missing',
            'timeout',
            'blocked',
            'gate_failed',
            'gate_timeout',
            'crash',
            'max_iterations_exceeded',
          ],
        },
      },
    },
    message: { type: 'string', presence: 'optional' },
  },
  'gate.passed': {
    node_id: { type: 'string' },
    gate: { type: 'string' },
    method: { type: 'enum', values: ['hook', 'human_cli', 'mcp_tool'] },
    stdout: { type: 'string', presence: 'optional' },
  },
  'iteration.started': {
    node_id: { type: 'string' },
    iteration: { type: 'integer', min: 0, max: 4294967295 },
    byte_offset: { type: 'integer', min: 0, max: 9007199254740991 },
  },
} as const;

type Schema = typeof EVENT_SCHEMA;
type NamesOf<R, P> = { [K in keyof R]: R[K] extends { presence: P } ? K : never }[keyof R];
type PresenceOf<F> = F extends { presence: infer P extends FieldPresence } ? P : 'required';

type ValueOf<F> = F extends { type: 'enum'; values: readonly (infer V)[] }
  ? V
  : F extends { type: 'integer' }
    ? number
    : F extends { type: 'object'; of: infer R }
      ? RecordOf<R>
      : F extends { type: 'list'; of: infer I }
        ? ValueOf<I>[]
        : string;

type RecordOf<R, Absent = NamesOf<R, 'optional'>> = Flat<
  { -readonly [K in keyof R as K extends Absent ? never : K]: ValueOf<R[K]> } & {
    -readonly [K in keyof R as K extends Absent ? K : never]?: ValueOf<R[K]>;
  }
>;

/** The built-in vocabulary as `defineEvents` would have it. */
export type OmneDefinition = {
  readonly [T in keyof Schema]: {
    readonly [K in keyof Schema[T]]: FieldType<
      ValueOf<Schema[T][K]>,
      PresenceOf<Schema[T][K]>,
      DeepReadonly<ValueOf<Schema[T][K]>>
    >;
  };
};

/** The built-in vocabulary: the events of pipe runs. */
export type OmneEvents = Vocabulary<OmneDefinition>;

/**
 * The built-in vocabulary: the events of pipe runs.
 *
 * @example
 * const agents = omneEvents.extend({ 'tool.called': { node_id: field.string(), tool: field.string() } });
 */
export const omneEvents: OmneEvents = new Vocabulary<OmneDefinition>(EVENT_SCHEMA, [
  'pipe.completed',
  'pipe.aborted',
]);

/** The name of a built-in event type. */
export type EventType = keyof Schema;

/** The event of one type: `EventOf<'node.started'>` is `NodeStarted`; of another vocabulary with its type as `V`. */
export type EventOf<T extends TypesOf<V>, V extends Vocabulary = OmneEvents> = EventIn<DefinitionOf<V>, T>;

/** Any event of a built-in type: a union discriminated by `type`. */
export type RunEvent = EventOf<EventType>;

/** What a caller hands to `append`: the event of one type without `id`, `ts` and `run_id`; defaulted fields may be left out. */
export type DraftOf<T extends TypesOf<V>, V extends Vocabulary = OmneEvents> = DraftIn<DefinitionOf<V>, T>;

/** Any draft of a built-in type: a union discriminated by `type`. */
export type EventDraft = DraftOf<EventType>;

/** A pipe run began. */
export type PipeStarted = EventOf<'pipe.started'>;
/** A pipe run came to its end; a terminal event. */
export type PipeCompleted = EventOf<'pipe.completed'>;
/** A pipe run was given up; a terminal event. */
export type PipeAborted = EventOf<'pipe.aborted'>;
/** A node began. */
export type NodeStarted = EventOf<'node.started'>;
/** A node came to its end; `output_path` is relative to the volume root. */
export type NodeCompleted = EventOf<'node.completed'>;
/** A node failed; `message` is for people, `error.kind` for programs. */
export type NodeFailed = EventOf<'node.failed'>;
/** A gate of a node let the run go on. */
export type GatePassed = EventOf<'gate.passed'>;
/** A loop node began an iteration; its output begins at `byte_offset` of the node's capture file. */
export type IterationStarted = EventOf<'iteration.started'>;

/** What kind of work a node does. */
export type NodeKind = NodeStarted['kind'];
/** How a gate was passed. */
export type GateMethod = GatePassed['method'];
/** Why a node failed. */
export type ErrorKind = NodeFailed['error']['kind'];
/** One `key`/`value` input of a pipe run. */
export type Input = PipeStarted['inputs'][number];
/** The structured part of a node's failure. */
export type NodeError = NodeFailed['error'];

/**
 * The event types, in the order of the schema.
 *
 * @example
 * const ofNodes = EVENT_TYPES.filter(type => type.startsWith('node.')); // for the option `types`
 */
export const EVENT_TYPES: readonly EventType[] = Object.freeze(Object.keys(EVENT_SCHEMA).filter(isEventType));

function isEventType(value: string): value is EventType {
  return Object.hasOwn(EVENT_SCHEMA, value);
}

/**
 * Whether an event ends its run: nothing may be appended after it.
 *
 * @example
 * for await (const event of EventLog.read(root, runId)) if (isTerminal(event)) console.log(event.type);
 */
export function isTerminal(event: RunEvent): event is PipeCompleted | PipeAborted {
  return event.type === 'pipe.completed' || event.type === 'pipe.aborted';
}

/** The types of a vocabulary that have the fields of the built-in ones, and perhaps others. */
export function builtInTypes(vocabulary: Vocabulary): ReadonlySet<string> {
  const isBuiltIn = (type: EventType) => {
    const spec = vocabulary.schema[type];
    const fields = Object.entries(EVENT_SCHEMA[type]);
    return spec !== undefined && fields.every(([name, field]) => isDeepStrictEqual(spec[name], field));
  };
  return vocabulary === omneEvents ? BUILT_IN : new Set(EVENT_TYPES.filter(isBuiltIn));
}

const BUILT_IN: ReadonlySet<string> = new Set(EVENT_TYPES);
