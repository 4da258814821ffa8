/** Following a volume where the system gives no notices. */
import { EventEmitter } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { type MirroredRun, mirrorVolume } from '../../src/jetstream.js';
import { connectTo, eventually, expectSame } from '../support/jetstream/copies.js';
import { appendSome, finish, finishedRun, startedRun } from '../support/jetstream/writing.js';
import { rejection } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';
import { NatsServer, noServer } from './nats-server.js';

vi.mock('node:fs', async importOriginal => {
  const fs = await importOriginal<typeof import('node:fs')>();
  return { ...fs, watch: vi.fn() };
});

/** A watcher that fails when it has begun, and gives no notice. */
class FailingWatcher extends EventEmitter implements FSWatcher {
  static closed = 0;

  constructor() {
    super();
    setImmediate(() => this.emit('error', new Error('EPERM')));
  }

  close(): void {
    FailingWatcher.closed++;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

const failing = () => new FailingWatcher();

/** A watcher that gives notices without a pause, until it is closed. */
class BusyWatcher extends EventEmitter implements FSWatcher {
  static open = 0;
  #closed = false;

  constructor(noticed: () => void) {
    super();
    BusyWatcher.open++;
    const notice = () => {
      if (this.#closed) return;
      noticed();
      setTimeout(notice, 1);
    };
    setTimeout(notice, 1);
  }

  close(): void {
    if (!this.#closed) BusyWatcher.open--;
    this.#closed = true;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

/** What `watch` of `node:fs` does where it does not work. */
const FAILURES: readonly [what: string, watching: () => FSWatcher][] = [
  [
    'there are none to be had',
    () => {
      throw Object.assign(new Error('ENOSPC: no more watches'), { code: 'ENOSPC' });
    },
  ],
  ['they end with an error', failing],
];

describe.skipIf(noServer)('a mirror of a volume without notices', () => {
  const server = NatsServer.forAll();
  test.each(FAILURES)('finds by looking again what is written and what appears: %s', async (_, watching) => {
    vi.mocked(watch).mockReset().mockImplementation(watching);
    const connection = await connectTo(server);
    const root = temporaryVolume();
    const log = await startedRun(root, 5);
    const runs: MirroredRun[] = [];
    const ending = new AbortController();
    const { signal } = ending;
    const onRun = (run: MirroredRun) => runs.push(run);
    const mirroring = rejection(mirrorVolume(root, { connection, signal, pollInterval: 20, onRun }));
    const late = await finishedRun(root, 5);
    await eventually(async () => runs.length === 1);
    for (let round = 0; round < 5; round++) await appendSome(log, 3);
    await finish(log);
    await eventually(async () => runs.length === 2);
    expect(runs.map(({ runId }) => runId)).toEqual([late, log.runId]);
    for (const { runId } of runs) await expectSame(connection, root, runId);
    expect(vi.mocked(watch).mock.calls.length).toBeGreaterThan(2); // the folder, and each of the logs
    const reason = new Error('enough');
    ending.abort(reason);
    expect(await mirroring).toBe(reason);
    if (watching === failing) expect(FailingWatcher.closed).toBeGreaterThan(0);
  });

  test('watches nothing any more when it has ended, also where a look was under way', async () => {
    vi.mocked(watch)
      .mockReset()
      .mockImplementation((...given: unknown[]) => {
        const noticed = given.at(-1);
        return new BusyWatcher(() => typeof noticed === 'function' && noticed());
      });
    const connection = await connectTo(server);
    const root = temporaryVolume();
    const logs = await Promise.all(Array.from({ length: 5 }, () => startedRun(root, 2)));
    for (let round = 0; round < 20; round++) {
      await mirrorVolume(root, { connection, once: true });
      const signal = AbortSignal.timeout(round);
      await rejection(mirrorVolume(root, { connection, signal, pollInterval: 5 }));
    }
    expect(vi.mocked(watch).mock.calls.length).toBeGreaterThan(20);
    await expect.poll(() => BusyWatcher.open).toBe(0);
    await Promise.all(logs.map(log => log.close()));
  });
});
