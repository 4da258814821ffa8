/** Many tails, few resources: what tails cost, and what they do where watches or memory run short. */
import { appendFileSync, readFileSync, truncateSync, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { EventLog, type RunEvent } from '../../src/index.js';
import { bytesRead, lineOf, RUN_ID, sampleEvent, writeLog } from '../support/logs.js';
import { startProgram } from '../support/processes/program.js';
import { quickVolume } from '../support/quick-volume.js';
import { temporaryVolume } from '../support/volume.js';

vi.mock('node:fs', async importOriginal => {
  const fs = await importOriginal<typeof import('node:fs')>();
  return { ...fs, watch: vi.fn(fs.watch) };
});
afterEach(() => vi.mocked(watch).mockClear());

const gate = (name: string) => ({ type: 'gate.passed', node_id: 'n', gate: name, method: 'hook' }) as const;
const gateOf = (event: RunEvent) => (event.type === 'gate.passed' ? event.gate : event.type);

test('200 tails of 50 live runs in one process are complete, and cost next to nothing while idle', async () => {
  const root = quickVolume();
  const logs = await Promise.all(
    Array.from({ length: 50 }, () => EventLog.create(root, 'feature', { lock: false })),
  );
  await Promise.all(logs.map(log => log.append(gate('before'))));
  const program = startProgram('../tail/follow-many', root, '4', ...logs.map(({ runId }) => runId));

  const shareOfCore: number = JSON.parse(await program.next());
  if (process.env['OMNE_REPORT'] !== undefined) console.log({ shareOfCore });
  expect(shareOfCore).toBeLessThan(0.15);

  await Promise.all(
    logs.map(async (log, index) => {
      for (let number = 0; number < 20; number++) await log.append(gate(`${index} ${number}`));
      await log.appendAll(Array.from({ length: 30 }, (_, number) => gate(`${index} batch ${number}`)));
      await log.append({ type: 'pipe.completed' });
      await log.close();
    }),
  );
  const seen: { runId: string; lines: string[] }[] = JSON.parse(await program.next());
  await program.finished();
  expect(seen.length).toBe(200);
  const texts = new Map(logs.map(({ runId, path }) => [runId, readFileSync(path, 'utf8')]));
  for (const { runId, lines } of seen) expect(`${lines.join('\n')}\n`).toBe(texts.get(runId));
}, 60_000);

test('stopping one of two tails of a log takes no notices from the other', async () => {
  const log = await EventLog.create(temporaryVolume(), 'feature', { lock: false });
  const options = { pollInterval: 1_000_000 }; // nothing but a notice can come in time
  const [staying, leaving] = [log.tail(options), log.tail(options)];
  const controller = new AbortController();
  const following = staying.toArray();
  const left = log.tail({ ...options, signal: controller.signal });
  const leftEnd = left.toArray();
  const iterator = leaving[Symbol.asyncIterator]();
  const first = iterator.next();
  await Promise.all([staying.caughtUp, leaving.caughtUp, left.caughtUp]);
  await log.append(gate('to all'));
  expect((await first).done).toBe(false);
  await iterator.return?.();
  controller.abort('gone');
  await expect(leftEnd).rejects.toBe('gone');
  await log.append(gate('to one'));
  await log.append({ type: 'pipe.completed' });
  expect((await following).map(gateOf)).toEqual(['to all', 'to one', 'pipe.completed']);
  await log.close();
});

/** What the kernel and libuv say when the limits of inotify are reached. */
const limitReached = (code: string) => Object.assign(new Error(`${code}: no more watches`), { code });

test.each(['ENOSPC', 'EMFILE'])('a watch refused with %s: it polls and reports nothing', async code => {
  vi.mocked(watch).mockImplementationOnce(() => {
    throw limitReached(code);
  });
  await expectAllByPolling();
});

test('a watch that fails later: it polls on and reports nothing', async () => {
  const { watch: realWatch } = await vi.importActual<typeof import('node:fs')>('node:fs');
  // It watches another file, so that no notice ever comes.
  const watcher = realWatch(import.meta.filename, { persistent: false });
  vi.mocked(watch).mockReturnValueOnce(watcher);
  const closed = new Promise(resolve => watcher.once('close', resolve));
  await expectAllByPolling(() => watcher.emit('error', limitReached('ENOSPC')));
  await closed;
});

async function expectAllByPolling(onceLive: () => void = () => undefined): Promise<void> {
  const words = [vi.spyOn(process, 'emitWarning'), vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')];
  const log = await EventLog.create(temporaryVolume(), 'feature', { lock: false });
  const tail = log.tail({ pollInterval: 10 });
  const following = tail.toArray();
  await tail.caughtUp;
  onceLive();
  for (let number = 0; number < 5; number++) {
    await log.append(gate(String(number)));
    await sleep(number * 5); // some fall into one poll, some into several
  }
  await log.append({ type: 'pipe.completed' });
  expect((await following).map(gateOf)).toEqual(['0', '1', '2', '3', '4', 'pipe.completed']);
  await log.close();
  expect(watch).toHaveBeenCalledTimes(1);
  for (const word of words) {
    expect(word).not.toHaveBeenCalled();
    word.mockRestore();
  }
}

test("a tail from 'end' of a log of 1 GiB reads only its end", async () => {
  const root = temporaryVolume();
  const path = writeLog(root, '');
  // A hole: no disk is needed for it, and no line: whoever decoded it would fail.
  truncateSync(path, 2 ** 30);
  appendFileSync(path, `\n${lineOf(sampleEvent(0))}`);
  const before = bytesRead();
  const tail = EventLog.tail(root, RUN_ID, { from: 'end' });
  const following = tail.toArray();
  await tail.caughtUp;
  appendFileSync(path, lineOf(sampleEvent(1)) + lineOf(sampleEvent(3)));
  expect(await following).toEqual([sampleEvent(1), sampleEvent(3)]);
  expect(bytesRead() - before).toBeLessThan(4 * 1024 * 1024);
});
