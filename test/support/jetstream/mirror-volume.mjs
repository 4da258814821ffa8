/** Mirrors a volume until it is killed: `mirror-volume <root> <url>`. */
import { connect } from '@nats-io/transport-node';
import { mirrorVolume } from '../../../dist/jetstream.js';

const [, , root, servers] = process.argv;
const connection = await connect({
  servers,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 50,
  waitOnFirstConnect: true,
});
await mirrorVolume(root, { connection, pollInterval: 100 });
