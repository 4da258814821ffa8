// @ts-check
/** Mirrors the volume to a server outside the machine until the power is cut: `mirror <root> <drive> <url>`. */
import { connect } from '@nats-io/transport-node';
import { mirrorVolume } from 'omne-event-log/jetstream';
import { report } from './report.mjs';

const [root = '', drive = '', servers = ''] = process.argv.slice(2);
/** Of a run that is pruned meanwhile. */
const GONE = ['ERR_RUN_NOT_FOUND', 'ERR_LOG_REPLACED'];

try {
  const connection = await connect({ servers, waitOnFirstConnect: true, maxReconnectAttempts: -1 });
  await mirrorVolume(root, {
    connection,
    onError: error => {
      if (!(error instanceof Error && 'code' in error && GONE.includes(String(error.code))))
        report('failed', drive, String(error));
    },
  });
} catch (error) {
  report('failed', drive, String(error));
}
