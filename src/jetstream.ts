/** omne-event-log/jetstream: runs on NATS JetStream, mirrored there as they are written. */
export { type MirroredRun, type MirrorOptions, mirrorRun } from './jetstream/mirror-run.js';
export { type MirroredVolume, type MirrorVolumeOptions, mirrorVolume } from './jetstream/mirror-volume.js';
export type { StreamOptions } from './jetstream/run-stream.js';
