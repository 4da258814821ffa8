/**
 * The vocabulary: the event types, written once as data.
 *
 * `EVENT_SCHEMA` is the single source. The TypeScript types below, the strict checker (`check.ts`) and everything else
 * that knows field names derive from it. The order of the fields is the order on the wire. The fields every event has
 * (`type`, `id`, `ts`, `run_id`) come first on the wire and are not repeated in the table.
 *
 * `presence` is left out for a required field; `optional` fields may be absent and read `null` as absent; `defaulted`
 * fields are always present in memory (an empty string or array) and left out on the wire when empty.
 */
export const EVENT_SCHEMA = {
  'pipe.started': {
    pipe: { type: 'string' },
    inputs: {
      type: 'list',
      of: { key: { type: 'string' }, value: { type: 'string' } },
      presence: 'defaulted',
    },
    distro_version: { type: 'string', presence: 'defaulted' },
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
    iteration: { type: 'integer', max: 4294967295 },
    byte_offset: { type: 'integer', max: 9007199254740991 },
  },
} as const;

/** How the table describes one field. */
export type FieldSpec = (
  | { readonly type: 'string'; readonly draft?: 'relative-path' }
  | { readonly type: 'enum'; readonly values: readonly string[] }
  | { readonly type: 'integer'; readonly max: number }
  | { readonly type: 'object' | 'list'; readonly of: RecordSpec }
) & { readonly presence?: 'optional' | 'defaulted' };

/** How the table describes an object: its fields by name, in wire order. */
export interface RecordSpec {
  readonly [name: string]: FieldSpec;
}

/** The fields of each event type after the common ones. */
export interface EventSchema {
  readonly [type: string]: RecordSpec;
}

type Schema = typeof EVENT_SCHEMA;
type NamesOf<R, P> = {
  [K in keyof R]: R[K] extends { presence: P } ? K : never;
}[keyof R];
type Flat<T> = { [K in keyof T]: T[K] } & {};

type ValueOf<F> = F extends { type: 'enum'; values: readonly (infer V)[] }
  ? V
  : F extends { type: 'integer' }
    ? number
    : F extends { type: 'object'; of: infer R }
      ? RecordOf<R>
      : F extends { type: 'list'; of: infer R }
        ? RecordOf<R>[]
        : string;

type RecordOf<R, Absent = NamesOf<R, 'optional'>> = Flat<
  { -readonly [K in keyof R as K extends Absent ? never : K]: ValueOf<R[K]> } & {
    -readonly [K in keyof R as K extends Absent ? K : never]?: ValueOf<R[K]>;
  }
>;

/** What is only read may be read-only at any depth. */
type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The tag that tells the event types apart. */
export type EventType = keyof Schema;

/** The event of one type: `EventOf<'node.started'>` is `NodeStarted`. */
export type EventOf<T extends EventType> = {
  [K in T]: Flat<{ type: K; id: string; ts: string; run_id: string } & RecordOf<Schema[K]>>;
}[T];

/** Any event of a run: a union told apart by `type`. */
export type RunEvent = EventOf<EventType>;

/** What a caller hands to `append`: the event of one type without `id`, `ts` and `run_id`; defaulted fields may be left out. */
export type DraftOf<T extends EventType> = {
  [K in T]: DeepReadonly<
    { type: K } & OrUndefined<RecordOf<Schema[K], NamesOf<Schema[K], 'optional' | 'defaulted'>>>
  >;
}[T];

/** What may be left out may also be undefined, whatever the settings of the compiler. */
type OrUndefined<T> = { [K in keyof T]: Record<never, never> extends Pick<T, K> ? T[K] | undefined : T[K] };

/** What a draft looks like while fields are missing. */
export type PartialDraft = { [K in EventType]: { readonly type: K } & Partial<DraftOf<K>> }[EventType];

/** Named in the error of the compiler where a draft lacks fields. */
export interface MissingField<Name> {
  /** The name of the field, or of several. */
  readonly 'missing field': Name;
}

/** Any draft: a union told apart by `type`. */
export type EventDraft = DraftOf<EventType>;

/** What `appendAll` gives for its drafts: the tuple of their events for a tuple, an array for any other iterable. */
export type EventsOfDrafts<L> = L extends readonly unknown[]
  ? { -readonly [K in keyof L]: L[K] extends PartialDraft ? EventOf<L[K]['type']> : never }
  : L extends Iterable<infer D extends PartialDraft>
    ? EventOf<D['type']>[]
    : never;

/** A draft that lacks no field, and of which none, at any depth, is unknown to the type it names; anything else does not compile. */
export type ExactDraft<D extends PartialDraft> = D extends PartialDraft
  ? [MissingOf<D, DraftOf<D['type']>>] extends [never]
    ? DraftOf<D['type']> & NothingBeyond<D, DraftOf<D['type']>>
    : MissingField<MissingOf<D, DraftOf<D['type']>>>
  : never;
type MissingOf<D, S> = Exclude<
  { [K in keyof S]-?: Record<never, never> extends Pick<S, K> ? never : K }[keyof S],
  keyof D
>;
type NothingBeyond<D, S> = D extends readonly (infer Item)[]
  ? S extends readonly (infer Known)[]
    ? readonly NothingBeyond<Item, Known>[]
    : unknown
  : D extends object
    ? {
        [K in keyof D]: K extends keyof S ? NothingBeyond<D[K], Exclude<S[K], undefined>> : never;
      }
    : unknown;

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
 * Tells whether an event ends its run: nothing may be appended after it.
 *
 * @example
 * for await (const event of EventLog.read(root, runId)) if (isTerminal(event)) console.log(event.type);
 */
export function isTerminal(event: RunEvent): event is PipeCompleted | PipeAborted {
  return event.type === 'pipe.completed' || event.type === 'pipe.aborted';
}
