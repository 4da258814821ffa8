import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CommitQueue, type QueueEntry, type QueueOptions } from '../../src/append/commit-queue.js';

/** A queue whose commits are finished by hand. */
function handQueue(options: QueueOptions = {}) {
  const batches: QueueEntry[][] = [];
  const finish: (() => void)[] = [];
  const queue = new CommitQueue<QueueEntry>(batch => {
    batches.push(batch);
    return new Promise(resolve => finish.push(() => resolve(() => undefined)));
  }, options);
  return { queue, batches, finishNext: () => finish.shift()?.() };
}

const entry = (bytes: number, last = false): QueueEntry => ({ bytes, last });

const settleAll = (batch: readonly { done: () => void }[]) => {
  for (const each of batch) each.done();
};

test('entries pushed in one tick share a commit', async () => {
  const { queue, batches } = handQueue();
  const entries = [entry(1), entry(2), entry(3)];
  for (const each of entries) queue.push(each);
  await turn();
  expect(batches).toEqual([entries]);
});

test('entries that come during a commit wait and go into the next one, in order', async () => {
  const { queue, batches, finishNext } = handQueue();
  const [first, second, third] = [entry(1), entry(2), entry(3)];
  queue.push(first);
  await turn();
  queue.push(second);
  queue.push(third);
  await turn();
  expect(batches).toEqual([[first]]);
  finishNext();
  await turn();
  expect(batches).toEqual([[first], [second, third]]);
});

test('callers woken by a commit are back in the queue before the next commit starts', async () => {
  const batches: number[] = [];
  const queue = new CommitQueue<QueueEntry & { done: () => void }>(async batch => {
    batches.push(batch.length);
    return () => settleAll(batch);
  });
  const append = () => new Promise<void>(resolve => queue.push({ bytes: 1, done: resolve }));
  const deepAppend = async () => append(); // a wrapper costs further turns of the microtask queue
  await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      for (let i = 0; i < 5; i++) await (index % 2 === 0 ? append() : deepAppend());
    }),
  );
  expect(batches).toEqual([10, 10, 10, 10, 10]);
});

test('a batch stops at maxBatchBytes, but one larger entry always fits', async () => {
  const { queue, batches, finishNext } = handQueue({ maxBatchBytes: 10 });
  const entries = [entry(6), entry(4), entry(1), entry(25), entry(2)];
  for (const each of entries) queue.push(each);
  for (let i = 0; i < 4; i++) {
    await turn();
    finishNext();
  }
  await turn();
  expect(batches.map(batch => batch.map(({ bytes }) => bytes))).toEqual([[6, 4], [1], [25], [2]]);
});

test('nothing shares a commit after an entry marked last', async () => {
  const { queue, batches, finishNext } = handQueue();
  for (const each of [entry(1), entry(2, true), entry(3)]) queue.push(each);
  await turn();
  finishNext();
  await turn();
  expect(batches.map(batch => batch.map(({ bytes }) => bytes))).toEqual([[1, 2], [3]]);
});

test('more than maxPendingBytes is refused, counting what is being committed, until a commit ends', async () => {
  const { queue, batches, finishNext } = handQueue({ maxPendingBytes: 10 });
  queue.push(entry(4));
  await turn();
  queue.push(entry(6));
  expect(() => queue.push(entry(1))).toThrow(expect.objectContaining({ code: 'ERR_BACKLOG_FULL' }));
  finishNext();
  await turn();
  queue.push(entry(4));
  finishNext();
  await turn();
  expect(batches.map(batch => batch.map(({ bytes }) => bytes))).toEqual([[4], [6], [4]]);
});

test('a refusal names the path, and says whether the backlog is full or the append is too large for any', async () => {
  const { queue } = handQueue({ maxPendingBytes: 10, path: '/p' });
  const refused = (bytes: number) => {
    try {
      queue.push(entry(bytes));
    } catch (error) {
      return error;
    }
    throw new Error('expected a refusal');
  };
  const facts = { code: 'ERR_BACKLOG_FULL', path: '/p' };
  const bound = '10 bytes that may wait (option maxPendingBytes)';
  expect(refused(11)).toMatchObject({
    ...facts,
    message: `an append of 11 bytes is larger than the ${bound} (/p)`,
  });
  queue.push(entry(8));
  expect(refused(3)).toMatchObject({
    ...facts,
    message: `an append of 3 bytes after 8 that wait exceeds the ${bound}; await earlier appends first (/p)`,
  });
});

test('a caller whose commit resolves finds the room it freed', async () => {
  const queue = new CommitQueue<QueueEntry & { done: () => void }>(async batch => () => settleAll(batch), {
    maxPendingBytes: 10,
  });
  for (let i = 0; i < 3; i++) {
    await new Promise<void>(resolve => queue.push({ bytes: 10, done: resolve }));
  }
  queue.push({ bytes: 10, done: () => undefined });
  expect(() => queue.push({ bytes: 1, done: () => undefined })).toThrow('after 10 that wait');
});

test('an idle queue starts again', async () => {
  const { queue, batches, finishNext } = handQueue();
  queue.push(entry(1));
  await turn();
  finishNext();
  await turn();
  queue.push(entry(2));
  await turn();
  expect(batches.length).toBe(2);
});

test('settled resolves when what was pushed before is settled, and waits for nothing that came later', async () => {
  const { queue, finishNext } = handQueue();
  const resolved: string[] = [];
  const watch = (name: string) => void queue.settled().then(() => resolved.push(name));
  watch('nothing pushed');
  queue.push(entry(1));
  queue.push(entry(1, true));
  watch('two');
  queue.push(entry(1));
  watch('three');
  watch('three again');
  await turn();
  expect(resolved).toEqual(['nothing pushed']);
  finishNext();
  await turn();
  expect(resolved).toEqual(['nothing pushed', 'two']);
  queue.push(entry(1));
  watch('four');
  finishNext();
  await turn();
  expect(resolved).toEqual(['nothing pushed', 'two', 'three', 'three again']);
  finishNext();
  await turn();
  expect(resolved.at(-1)).toBe('four');
  watch('all settled');
  await turn();
  expect(resolved.at(-1)).toBe('all settled');
});

test('by default a commit takes 1 MiB and 64 MiB may wait, both to the byte', async () => {
  const MIB = 1024 * 1024;
  const { queue, batches } = handQueue();
  for (const bytes of [MIB - 1, 1, 1, 63 * MIB - 1]) queue.push(entry(bytes));
  expect(() => queue.push(entry(1))).toThrow('after 67108864 that wait');
  await turn();
  expect(batches).toEqual([[entry(MIB - 1), entry(1)]]);
});
