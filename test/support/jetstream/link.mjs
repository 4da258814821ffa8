// @ts-check
/**
 * A long link to a server on this machine: all bytes arrive in order, some time later. It can drop its connections; what was on
 * its way to the server arrives there all the same, after what a new connection brings.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** How much later than usual the bytes of a dropped connection arrive. */
const LATE_MS = 150;

/**
 * @typedef {object} Link
 * @property {string} url - of the server, by way of the link
 * @property {() => void} drop - ends all connections, as the other end sees it
 * @property {() => Promise<void>} close
 */

/**
 * @param {number} port - of the server
 * @param {number} roundTripMs
 * @returns {Promise<Link>}
 */
export async function startLink(port, roundTripMs) {
  /** @type {Set<() => void>} */
  const dropping = new Set();
  const server = createServer({ noDelay: true }, near => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    let dropped = false;
    const drop = () => {
      dropped = true;
      near.destroy();
      setTimeout(() => far.end(), roundTripMs / 2 + 2 * LATE_MS);
    };
    dropping.add(drop);
    const ended = () => {
      dropping.delete(drop);
      near.destroy();
      if (!dropped) far.destroy();
    };
    for (const socket of [near, far]) socket.on('error', ended).on('close', ended);
    near.on('data', bytes => {
      const send = () => void (far.destroyed || far.write(bytes));
      setTimeout(() => (dropped ? setTimeout(send, LATE_MS) : send()), roundTripMs / 2);
    });
    far.on('data', bytes => {
      setTimeout(() => void (near.destroyed || near.write(bytes)), roundTripMs / 2);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const drop = () => {
    for (const each of [...dropping]) each();
  };
  return {
    url: `nats://127.0.0.1:${address.port}`,
    drop,
    close: async () => {
      server.close();
      drop();
    },
  };
}
