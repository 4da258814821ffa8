/// <reference types="node" preserve="true" />
/** omne-event-log/web: the live page of a volume or of its copies on a NATS server, served to a browser. */

export type {
  ApiEvent,
  AttemptView,
  ErrorAnswer,
  EventsAnswer,
  GateView,
  IterationView,
  Json,
  NodeView,
  OutputAnswer,
  OutputLine,
  PlacedEvent,
  RunAnswer,
  RunCounts,
  RunHead,
  RunRow,
  RunStatus,
  RunsAnswer,
  SearchAnswer,
  SearchHit,
  SourceFacts,
  StreamMessageName,
  StreamMessages,
} from './web/api.js';
export { createRunServer, RunServer, type RunServerOptions } from './web/server.js';
export {
  type FollowOptions,
  mirroredRuns,
  type RunServerSource,
  volumeRuns,
} from './web/source.js';
export type { RowListener } from './web/source-rows.js';
