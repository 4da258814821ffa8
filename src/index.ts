/// <reference types="node" preserve="true" />
// The line above lets TypeScript 7 find the types of Node where no setting names them.
/**
 * omne-event-log: an append-only JSONL event log for programs that run pipes and agents.
 *
 * To write: `EventLog.create` starts a run and `EventLog.resume` goes on with one; `log.append` resolves once the event is on disk.
 * To read: `EventLog.read` replays a run, `EventLog.tail` follows it, `EventLog.runs` lists runs, and `deriveRunState` says what
 * happened. Every failure is an `EventLogError` with a `code`.
 * README.md leads to a page for each of these; src/run/executor/README.md has a whole executor.
 */

export { maskValues } from './append/mask-values.js';
export type { LogOptions, OpenLogOptions } from './append/open-for-appending.js';
export type { AppendOptions } from './append/pending-append.js';
export type { Recovery } from './append/recovery.js';
export type { Redact, RedactPlace } from './append/redact.js';
export type { CommitMessage, RecoverMessage, TailMessage } from './diagnostics.js';
export {
  type ErrorFacts,
  EventLogError,
  type EventLogErrorCode,
  type MalformedKind,
  MalformedLineError,
} from './errors.js';
export { EventLog, type ResumedRun } from './event-log.js';
export type { CodecOptions } from './format/codec-options.js';
export { decodeEvent } from './format/decode.js';
export type { EventsOfDrafts, ExactDraft, MissingField, PartialDraft } from './format/draft-types.js';
export { encodeEvent } from './format/encode.js';
export {
  type DraftOf,
  type ErrorKind,
  EVENT_TYPES,
  type EventDraft,
  type EventOf,
  type EventType,
  type GateMethod,
  type GatePassed,
  type Input,
  type IterationStarted,
  isTerminal,
  type NodeCompleted,
  type NodeError,
  type NodeFailed,
  type NodeKind,
  type NodeStarted,
  type OmneDefinition,
  type OmneEvents,
  omneEvents,
  type PipeAborted,
  type PipeCompleted,
  type PipeStarted,
  type RunEvent,
} from './format/events.js';
export { type FieldMakers, field, type IntegerBounds } from './format/field.js';
export type {
  DeepReadonly,
  DraftValuesOf,
  FieldPresence,
  FieldsDefinition,
  FieldType,
  JsonValue,
  ReadonlyJsonValue,
  ValuesOf,
} from './format/field-types.js';
export { type JsonSchemaObject, jsonSchema } from './format/json-schema.js';
export type { LogEvent } from './format/schema.js';
export type { StandardIssue, StandardResult, StandardSchema } from './format/standard-schema.js';
export { tailText } from './format/tail-text.js';
export {
  type DefinitionOf,
  type DraftsOf,
  defineEvents,
  type EventsDefinition,
  type EventsOf,
  type TypesOf,
  type Vocabulary,
  type VocabularyOptions,
} from './format/vocabulary.js';
export type { VolumeReadOptions, VolumeTailOptions } from './read/all/options.js';
export { type VolumeEvent, VolumeStream } from './read/all/volume-stream.js';
export { type DecoderOptions, type EventDecoder, eventDecoder } from './read/event-decoder.js';
export type { ReadOptions } from './read/event-filter.js';
export { EventReader } from './read/event-reader.js';
export { EventStream } from './read/event-stream.js';
export { EventTail } from './read/event-tail.js';
export type { EventIterator } from './read/stream-iterator.js';
export type { TailOptions } from './read/tail-options.js';
export type { Capture } from './run/capture.js';
export { deriveRunState } from './run/fold-run.js';
export { type Iteration, iterations } from './run/iterations.js';
export type { OutlinesOptions, RunsOptions } from './run/list-runs.js';
export type { Attempt, GateState, NodeState, NodeStatus } from './run/node-state.js';
export type { PruneFailure, PruneReport } from './run/prune.js';
export type { PrunedRun, PruneOptions } from './run/prune-run.js';
export { repairRun } from './run/repair.js';
export type { Downtime, RunState } from './run/run-state.js';
export { type ReducerOptions, RunStateReducer } from './run/run-state-reducer.js';
export type { RunOutline, RunSummary } from './run/run-summary.js';
export type { WarningKind } from './run/sequence-check.js';
export type { NodeSnapshot, RunSnapshot } from './run/snapshot.js';
export { type VerifyOptions, verifyRun } from './run/verify.js';
export type { Problem, VerifyReport, Warning } from './run/verify-report.js';
export { findVolumeRoot } from './volume/places.js';
export { isRunId, parseRunId } from './volume/run-id.js';
