/** What a server keeps for somebody who reads a run: made for him, and removed with him or a minute after his last request. */
import {
  AckPolicy,
  type Consumer,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  ReplayPolicy,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { StoredRun } from './stored-run.js';

const INACTIVE_MS = 60_000;
/** How long removing it waits for the server. */
const REMOVE_MS = 1000;

/** Has the segments of a run sent from a sequence on, as they are asked for; nothing of it is stored or replicated. */
export async function addConsumer({ remote, subject }: StoredRun, sequence: number): Promise<Consumer> {
  const info = await remote.manager.consumers.add(remote.stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: sequence,
    filter_subject: subject,
    replay_policy: ReplayPolicy.Instant,
    inactive_threshold: nanos(INACTIVE_MS),
    mem_storage: true,
    num_replicas: 1,
  });
  return jetstream(remote.connection).consumers.getConsumerFromInfo(info);
}

/** Where the server cannot be asked it does so by itself later. */
export async function removeConsumer(
  { remote: { connection, stream } }: StoredRun,
  consumer: Consumer,
): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: REMOVE_MS });
  const { name } = await consumer.info(true);
  await manager.consumers.delete(stream, name).catch(() => undefined);
}
