/// <reference types="node" preserve="true" />
/**
 * omne-event-log: an append-only JSONL event log for pipe runs. The line above this lets TypeScript 7 find the types of Node
 * where no setting names them.
 *
 * Layout, in the order the imports run (a file imports only from files above it):
 *
 *     errors      every error, and how its message is put together
 *     events      the event types as data; the TypeScript types come from it
 *     check       values against the schema
 *     json-text   what JSON.parse forgets: repeated keys, how numbers are written
 *     ids         ULIDs that only rise, run ids
 *     places      where things lie in a volume
 *     diagnostics what a log tells about its commits, recoveries and tails
 *     json-schema the schema table as a JSON Schema
 *     lines       bytes -> whole lines, forwards and backwards
 *     specials-simd  finding quotes, backslashes and control characters by vectors
 *     specials    where these stand in a line
 *     captures    values in the bytes of a line
 *     literals    code that makes events
 *     template    the schema, compiled: how a canonical line is recognised and made an event
 *     flat        known fields in any order
 *     matcher     a line in its bytes: canonical, or flat
 *     codec       one line <-> one event
 *     queue       many appends -> few commits
 *     platform    what differs between operating systems
 *     abort       many listeners on one signal
 *     lock        flock(2) between processes
 *     turns       taking turns at that lock, so that nobody starves
 *     open        opening a file, and failing at once
 *     confine     entering folders without following links
 *     folders     making and syncing folders
 *     liveness    which runs have a writer
 *     slots       how many writes may wait for the disk at once
 *     listing     which runs a volume holds
 *     inside      opening the log where it must stand, and reading from it
 *     readable    a log opened for reading
 *     file        one write, one sync, on the right file
 *     allocate    run ids that rise across processes
 *     filter      which events a reader hands out
 *     recovery    the end of a log, and mending a torn one
 *     stamp       ids and times for a batch, and its bytes
 *     commit      lock -> look -> stamp -> write -> sync -> unlock
 *     opening     options, and the steps from a file to a writer
 *     start       where a reading begins
 *     scan        file -> lines -> events -> batches
 *     stream      batches -> consumer, with a position
 *     reader      replay
 *     caught-up   the promise of a tail that it reached the end
 *     growth      waiting until a file may have grown
 *     tail        following a live run
 *     state       what happened in a run, folded from its events
 *     iterations  the text of a loop node's iterations
 *     runs        listing the runs of a volume
 *     decoder     events from any byte stream
 *     event-log   the class that ties it together
 *     verify      checking and mending a run
 *     text        cutting text to a number of bytes
 *     index       the public names
 *
 * Runs on other machines lie apart: only whoever imports `omne-event-log/jetstream` needs the clients of NATS.
 *
 *     jetstream/message       what a run is called on a server
 *     jetstream/link          the chain of a run's messages
 *     jetstream/options       what is asked of arguments
 *     jetstream/failure       what passes by itself, and what does not
 *     jetstream/run-stream    the stream that holds the runs
 *     jetstream/publisher     who sent last, and how much may be under way
 *     jetstream/outbox        the messages of a run under way
 *     jetstream/remote-place  where the copy of a run stands
 *     jetstream/discarded     what the server has dropped
 *     jetstream/run-mirror    log -> sync -> publish
 *     jetstream/mirror-run    one run, live
 *     jetstream/work-queue    many items, few at a time
 *     jetstream/volume-runs   which logs of a volume have grown
 *     jetstream/volume-mirror, jetstream/mirror-volume   all runs of a volume
 *     jetstream/stored-run    the messages of a run, one by one
 *     jetstream/ordered       the messages of a run in order, a window at a time
 *     jetstream/backwards     the same from the last to the first
 *     jetstream/search        a place in a remote run, by halving
 *     jetstream/remote-start  where the reading of a remote run begins
 *     jetstream/message-scan  messages -> events -> batches
 *     jetstream/feed          batches of a remote run, from a start to its end
 *     jetstream/reader, jetstream/tail   replaying and following from afar
 *     jetstream/runs          listing the runs of a stream
 *     jetstream/reversed      a remote run from its last event to its first
 *     jetstream               the public names
 *
 * The command lives in a folder of its own, and imports from the library:
 *
 *     cli/terminal            text for people: escapes, colours, stdout
 *     cli/width, cli/words    columns of wide characters; figures in words
 *     cli/columns, cli/marks  rows in straight columns; the glyph of a status
 *     cli/status-line         one line that is drawn over and over
 *     cli/command             what a command of `omne-log` is
 *     cli/which               which volume and which run is meant
 *     cli/advice              what to do next about an error
 *     cli/event-line          one event as one line
 *     cli/nats                the connection to a server
 *     cli/reversed            a run from its last event to its first
 *     cli/source              where runs are found: in a volume or on a server
 *     cli/fold, cli/tree      a whole run; its nodes as a tree
 *     cli/ls, cli/show        the commands that look at runs ...
 *     cli/cat, cli/tail, cli/text   ... and at what stands in one
 *     cli/verify, cli/repair  checking and mending
 *     cli/markup              HTML that is escaped
 *     cli/timeline-axis, cli/timeline-data, cli/timeline-style, cli/timeline-page, cli/timeline   a run as a picture
 *     cli/mirror              runs to a server
 *     cli/child, cli/executor    a small pipe executor: how to embed the library
 *     cli/demo-pipe, cli/demo    a real pipe run, logged and replayed
 *     cli/completion-scripts, cli/completion   for the shells
 *     cli                     the command `omne-log`
 */
export { decodeEvent, encodeEvent } from './codec.js';
export { type DecoderOptions, eventDecoder } from './decoder.js';
export type { CommitMessage, RecoverMessage, TailMessage } from './diagnostics.js';
export {
  type ErrorFacts,
  EventLogError,
  type EventLogErrorCode,
  MalformedLineError,
} from './errors.js';
export { EventLog } from './event-log.js';
export {
  type DraftOf,
  type ErrorKind,
  EVENT_TYPES,
  type EventDraft,
  type EventOf,
  type EventType,
  type ExactDraft,
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
  type PipeAborted,
  type PipeCompleted,
  type PipeStarted,
  type RunEvent,
} from './events.js';
export type { ReadOptions } from './filter.js';
export { isRunId, parseRunId } from './ids.js';
export { type Iteration, iterations } from './iterations.js';
export type { LogOptions, OpenLogOptions } from './opening.js';
export { findVolumeRoot } from './places.js';
export { EventReader } from './reader.js';
export type { Recovery } from './recovery.js';
export type { RunSummary, RunsOptions } from './runs.js';
export { deriveRunState, type GateState, type NodeState, type RunState, RunStateReducer } from './state.js';
export { EventStream } from './stream.js';
export { EventTail, type TailOptions } from './tail.js';
export { tailText } from './text.js';
export {
  type Problem,
  repairRun,
  type VerifyOptions,
  type VerifyReport,
  verifyRun,
} from './verify.js';
