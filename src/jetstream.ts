/// <reference types="node" preserve="true" />
/** omne-event-log/jetstream: runs on NATS JetStream, mirrored there as they are written, and read from anywhere. */

export { RemoteReader, type RemoteReadOptions, readRemote } from './jetstream/fetch/remote-reader.js';
export { type RemoteRunSummary, type RemoteRunsOptions, remoteRuns } from './jetstream/fetch/remote-runs.js';
export { RemoteTail, type RemoteTailOptions, tailRemote } from './jetstream/fetch/remote-tail.js';
export { type MirroredRun, type MirrorOptions, mirrorRun } from './jetstream/ship/mirror-run.js';
export {
  type MirroredVolume,
  type MirrorVolumeOptions,
  mirrorVolume,
} from './jetstream/ship/mirror-volume.js';
export type { StreamOptions } from './jetstream/ship/run-stream.js';
