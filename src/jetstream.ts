/**
 * omne-event-log/jetstream: runs mirrored to NATS JetStream, and read from anywhere. The clients `@nats-io/transport-node`
 * and `@nats-io/jetstream` must be installed beside this package.
 */
export { RemoteReader, type RemoteReadOptions, readRemote } from './jetstream/reader.js';
export { type RemoteRunSummary, type RemoteRunsOptions, remoteRuns } from './jetstream/runs.js';
export { RemoteTail, type RemoteTailOptions, tailRemote } from './jetstream/tail.js';
