/// <reference types="node" preserve="true" />
/** omne-event-log/jetstream: runs on NATS JetStream, mirrored there as they are written, and read from anywhere. */
export { type MirroredRun, type MirrorOptions, mirrorRun } from './jetstream/mirror-run.js';
export { type MirroredVolume, type MirrorVolumeOptions, mirrorVolume } from './jetstream/mirror-volume.js';
export { RemoteReader, type RemoteReadOptions, readRemote } from './jetstream/reader.js';
export type { StreamOptions } from './jetstream/run-stream.js';
export { type RemoteRunSummary, type RemoteRunsOptions, remoteRuns } from './jetstream/runs.js';
export { RemoteTail, type RemoteTailOptions, tailRemote } from './jetstream/tail.js';
