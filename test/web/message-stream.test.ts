/** A stream of messages to one client: what it hears while nothing happens. */
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test, vi } from 'vitest';
import { MessageStream } from '../../src/web/message-stream.js';

/** What goes off every so many milliseconds. */
const beats = vi.hoisted((): { beat: () => void; milliseconds: number }[] => []);

vi.mock('../../src/real-time.js', async importOriginal => ({
  ...(await importOriginal<typeof import('../../src/real-time.js')>()),
  startInterval: (beat: () => void, milliseconds: number) => {
    beats.push({ beat, milliseconds });
  },
}));

test('a quiet one says every 15 seconds that it is alive, so that no proxy takes silence for death', async () => {
  const closing = new AbortController();
  const server = createServer((_, response) => {
    const stream = new MessageStream(response, closing.signal);
    for (const { beat } of beats) beat();
    stream.end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const [response] = await once(get({ host: '127.0.0.1', port, agent: false }), 'response');
  expect(await text(response)).toBe('retry: 1000\n\n: alive\n\n');
  expect(beats.map(({ milliseconds }) => milliseconds)).toEqual([15_000]);
});
