/** Work on many items, few at one time. */
import { describe, expect, test } from 'vitest';
import { WorkQueue } from '../../src/jetstream/ship/work-queue.js';

/** A queue whose work ends when it is told to, with what it is told. */
function steppedQueue(limit: number): {
  queue: WorkQueue<string>;
  started: string[];
  end: (item: string, more?: boolean) => Promise<void>;
} {
  const started: string[] = [];
  const ends = new Map<string, (more: boolean) => void>();
  const queue = new WorkQueue<string>(limit, item => {
    started.push(item);
    return new Promise(resolve => ends.set(item, resolve));
  });
  const end = async (item: string, more = false) => {
    ends.get(item)?.(more);
    await Promise.resolve().then(() => undefined);
  };
  return { queue, started, end };
}

describe('a work queue', () => {
  test('works on no more items at a time than it may, in the order they came', async () => {
    const { queue, started, end } = steppedQueue(2);
    for (const item of ['a', 'b', 'c', 'd']) queue.add(item);
    expect(started).toEqual(['a', 'b']);
    await end('b');
    expect(started).toEqual(['a', 'b', 'c']);
  });

  test('lets an item wait once, however often it is added', async () => {
    const { queue, started, end } = steppedQueue(1);
    for (const item of ['a', 'b', 'b', 'b', 'c']) queue.add(item);
    await end('a');
    await end('b');
    expect(started).toEqual(['a', 'b', 'c']);
  });

  test('works on an item again that was added during the work, or asks for more, after the others', async () => {
    const { queue, started, end } = steppedQueue(1);
    for (const item of ['a', 'b', 'a']) queue.add(item);
    await end('a');
    await end('b', true);
    await end('a');
    await end('b');
    expect(started).toEqual(['a', 'b', 'a', 'b']);
    await queue.idle();
  });

  test('is idle when nothing waits and nothing is worked on, also after it was cleared', async () => {
    const { queue, started, end } = steppedQueue(1);
    await queue.idle();
    for (const item of ['a', 'a', 'b']) queue.add(item);
    let idle = false;
    const waiting = queue.idle().then(() => {
      idle = true;
    });
    queue.clear();
    await Promise.resolve();
    expect(idle).toBe(false);
    await end('a');
    await waiting;
    expect(started).toEqual(['a']);
  });
});
