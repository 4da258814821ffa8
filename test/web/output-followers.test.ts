/** Following an output costs the same however many do it, and nothing once nobody does. */
import fs, { appendFileSync, readdirSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { NodeOutput } from '../../src/run/output/node-output.js';
import { type OutputFollower, OutputFollowers } from '../../src/web/output-followers.js';
import { UNFINISHED, type WrittenRun, writeCapture, writeRun } from '../support/cli-runs.js';
import { countFileCalls } from '../support/file-calls.js';
import { quickVolume } from '../support/quick-volume.js';
import { StreamClient, serverOf } from '../support/web-client.js';

const ROUNDS = 20;
const MANY = 20;
const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 5 });

const textOf = (client: StreamClient) =>
  client.messages.flatMap(message => (message.name === 'output' ? [message.data.text] : [])).join('');
const lengthOf = (client: StreamClient) =>
  client.messages.reduce((sum, { name, data }) => (name === 'output' ? sum + data.text.length : sum), 0);
const outputOf = ({ folder }: WrittenRun) => `${folder}/nodes/publish.out`;

/** A run whose last node has an output, and so many who follow that. */
async function followed(viewers: number): Promise<{ run: WrittenRun; clients: StreamClient[] }> {
  const root = quickVolume();
  const run = writeRun(root, 'p', UNFINISHED);
  writeCapture(run, 'publish', 'begun\n');
  const { port } = await serverOf(root);
  const path = `/api/v1/stream?run=${run.runId}&node=publish&output=.0`;
  const clients = Array.from({ length: viewers }, () => new StreamClient(port, path));
  await until(() => {
    for (const client of clients) expect(textOf(client)).toBe('begun\n');
  });
  return { run, clients };
}

/** What so many viewers take while the output grows, as a whole and in a second; each gets all of it. */
async function costOf(viewers: number, calls: () => number): Promise<{ whole: number; perSecond: number }> {
  const { run, clients } = await followed(viewers);
  let written = 'begun\n';
  const before = calls();
  const begin = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    const text = `line ${round}\n`;
    appendFileSync(outputOf(run), text);
    written += text;
    await until(() => {
      for (const client of clients) expect(textOf(client)).toBe(written);
    });
  }
  const whole = calls() - before;
  const perSecond = (1000 * whole) / (performance.now() - begin);
  for (const client of clients) client.close();
  return { whole, perSecond };
}

test(`${MANY} viewers of one output cost about as many file calls as one, and each gets all of it`, async () => {
  const calls = countFileCalls();
  const one = await costOf(1, calls);
  const many = await costOf(MANY, calls);
  if (process.env['OMNE_REPORT'] !== undefined) console.log({ one, many });
  expect(one.whole).toBeGreaterThan(ROUNDS);
  // Polls come with time, and a round of many takes longer: on a slow machine it is the rate that shows what is shared.
  expect(Math.min(many.whole / one.whole, many.perSecond / one.perSecond)).toBeLessThan(3);
}, 60_000);

/** The descriptors of this process that are open on an output. */
function descriptorsOn(path: string): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false; // that of the listing
    }
  }).length;
}

test.runIf(process.platform === 'linux')(
  'all viewers share one open file, which is held as long as one is there, and no longer',
  async () => {
    const { run, clients } = await followed(5);
    const path = outputOf(run);
    await until(() => expect(descriptorsOn(path)).toBe(1));
    const [last, ...others] = clients;
    for (const client of others) client.close();
    appendFileSync(path, 'more\n');
    await until(() => expect(last && textOf(last)).toBe('begun\nmore\n'));
    await until(() => expect(descriptorsOn(path)).toBe(1));
    last?.close();
    await until(() => expect(descriptorsOn(path)).toBe(0));
  },
);

test('a file that takes the place of the output is begun again by all who follow', async () => {
  const { run, clients } = await followed(3);
  const path = outputOf(run);
  writeFileSync(`${path}.new`, 'another\n');
  renameSync(`${path}.new`, path);
  await until(() => {
    for (const client of clients) expect(textOf(client)).toBe('begun\nanother\n');
  });
  for (const { messages } of clients) {
    const last = messages.findLast(({ name }) => name === 'output');
    expect(last?.data).toMatchObject({ start: 0, end: 8, restarted: true });
  }
});

test('who is far back gets every byte once, beside one who is not', async () => {
  const { run, clients } = await followed(2);
  const [quick, slow] = clients;
  slow?.pause();
  let written = 'begun\n';
  for (let round = 0; round < 30; round++) {
    const text = `${String(round).padStart(5, '0').repeat(20_000)}\n`;
    appendFileSync(outputOf(run), text);
    written += text;
    await until(() => expect(quick && lengthOf(quick)).toBe(written.length));
  }
  slow?.resume();
  await until(() => expect(slow && lengthOf(slow)).toBeGreaterThanOrEqual(written.length));
  expect(slow && textOf(slow)).toBe(written);
}, 60_000);

describe('a follower', () => {
  const CHUNK = 64 * 1024;

  /** One who follows an output of so many bytes; `opening` comes before each opening. */
  function joined(
    bytes: number,
    opening: () => Promise<void> = async () => undefined,
  ): { follower: OutputFollower; path: string; changes: () => number } {
    const root = quickVolume();
    const run = writeRun(root, 'p', UNFINISHED);
    writeCapture(run, 'publish', Buffer.alloc(bytes, 'x'));
    let changes = 0;
    const open = async (nodeId: string) => {
      await opening();
      return NodeOutput.open(root, run.runId, nodeId);
    };
    const followers = new OutputFollowers(open, () => changes++);
    return { follower: followers.join('publish'), path: outputOf(run), changes: () => changes };
  }

  test('that is left while it reads finishes that first, and then reads nothing more', async () => {
    const { follower } = joined(2 * CHUNK);
    await follower.look();
    const { seen } = follower;
    const chunk = seen?.chunk(0);
    follower.leave();
    expect((await chunk)?.toString()).toBe('x'.repeat(CHUNK));
    expect(await seen?.chunk(CHUNK)).toHaveLength(0);
  });

  test.runIf(process.platform === 'linux')('that is left while it opens holds nothing', async () => {
    let letOpen: () => void = () => undefined;
    const { follower, path } = joined(
      1,
      () =>
        new Promise(resolve => {
          letOpen = resolve;
        }),
    );
    const looked = follower.look();
    follower.leave();
    letOpen();
    await looked;
    expect(follower.seen).toBeUndefined();
    expect(descriptorsOn(path)).toBe(0);
  });

  test('reads a chunk once for all, and keeps the latest four', async () => {
    const { follower } = joined(5 * CHUNK);
    await follower.look();
    const { seen } = follower;
    const reads = vi.spyOn(fs, 'read');
    onTestFinished(() => reads.mockRestore());
    for (const index of [0, 0, 1, 2, 3, 0, 4, 1, 4]) await seen?.chunk(index * CHUNK);
    expect(reads).toHaveBeenCalledTimes(5);
    await seen?.chunk(0); // forgotten for the fifth
    expect(reads).toHaveBeenCalledTimes(6);
    follower.leave();
  });

  test('reports what an opening fails with to all who follow, until one succeeds', async () => {
    let outcome = Promise.reject<void>(new Error('out of order'));
    const { follower, changes } = joined(1, () => outcome);
    await follower.look();
    expect(changes()).toBe(1);
    expect(() => follower.seen).toThrow('out of order');
    outcome = Promise.resolve();
    await until(() => expect(follower.seen?.size).toBe(1));
    follower.leave();
  });
});
