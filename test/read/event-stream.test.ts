import { describe, expect, test } from 'vitest';
import type { Batch, BatchSource } from '../../src/read/batch-source.js';
import { EventStream } from '../../src/read/event-stream.js';
import { collect, rejection, sampleEvent, sampleEvents } from '../support/logs.js';

/** A stream over given batches; event `i` ends at position `100 + i`. */
class FakeStream extends EventStream {
  started = 0;
  asked = 0;
  closed = 0;
  /** Called by each `next` of the source, before it answers. */
  onAsk: () => void | Promise<void> = () => {};
  readonly #batches: Batch[];

  constructor(sizes: readonly number[], signal?: AbortSignal) {
    super(7, signal);
    let index = 0;
    this.#batches = sizes.map(size => {
      const indexes = Array.from({ length: size }, () => index++);
      return { events: indexes.map(sampleEvent), ends: indexes.map(i => 100 + i) };
    });
  }

  protected override source(): BatchSource {
    this.started++;
    return {
      next: async () => {
        const batch = this.#batches[this.asked++];
        await this.onAsk();
        return batch;
      },
      close: async () => {
        this.closed++;
      },
    };
  }
}

const SIZES = [3, 0, 1, 0, 0, 2];

describe('event by event', () => {
  test('hands out all events in order, whatever the batches, and closes once', async () => {
    const stream = new FakeStream(SIZES);
    expect(await collect(stream)).toEqual(sampleEvents(6));
    expect(stream.closed).toBe(1);
  });

  test('position is after the last event handed out, not after the batch', async () => {
    const stream = new FakeStream(SIZES);
    expect(stream.position).toBe(7);
    const positions: number[] = [];
    for await (const _ of stream) positions.push(stream.position);
    expect(positions).toEqual([100, 101, 102, 103, 104, 105]);
    expect(stream.position).toBe(105);
  });

  test('calls of next that overlap are answered in order, the last ones with the end', async () => {
    const stream = new FakeStream(SIZES);
    const iterator = stream[Symbol.asyncIterator]();
    const answers = await Promise.all(Array.from({ length: 8 }, () => iterator.next()));
    expect(answers.slice(0, 6)).toEqual(sampleEvents(6).map(value => ({ done: false, value })));
    expect(answers.slice(6)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    expect(stream.asked).toBe(SIZES.length + 1);
    expect(stream.closed).toBe(1);
  });

  test('calls that overlap and calls that wait may be mixed', async () => {
    const iterator = new FakeStream([2, 2, 2, 2])[Symbol.asyncIterator]();
    const [first, second, third] = [iterator.next(), iterator.next(), iterator.next()];
    expect((await second).value).toEqual(sampleEvent(1));
    const [fourth, fifth] = [iterator.next(), iterator.next()];
    expect((await fifth).value).toEqual(sampleEvent(4));
    expect((await Promise.all([first, third, fourth])).map(({ value }) => value)).toEqual(
      [0, 2, 3].map(sampleEvent),
    );
    expect((await iterator.next()).value).toEqual(sampleEvent(5));
  });

  test('a call does not overtake others that still wait', async () => {
    const iterator = new FakeStream([10])[Symbol.asyncIterator]();
    const early = [iterator.next(), iterator.next(), iterator.next()];
    await early[0];
    const late = iterator.next();
    expect((await late).value).toEqual(sampleEvent(3));
    expect((await Promise.all(early)).map(({ value }) => value)).toEqual([0, 1, 2].map(sampleEvent));
  });

  test('the next event of a batch is taken at the call: a tight loop pays no extra turn for each', async () => {
    const stream = new FakeStream([10]);
    const iterator = stream[Symbol.asyncIterator]();
    for (let index = 0; index < 9; index++) {
      await iterator.next();
      const call = iterator.next();
      expect(stream.position).toBe(100 + ++index);
      await call;
    }
  });

  test('a source that fails: what came before is handed out, then the error, then nothing', async () => {
    const stream = new FakeStream([2, 2]);
    const failure = new Error('the disk is gone');
    stream.onAsk = () => {
      if (stream.asked === 2) throw failure;
    };
    const iterator = stream[Symbol.asyncIterator]();
    const calls = Array.from({ length: 4 }, () => iterator.next());
    const results = await Promise.allSettled(calls);
    expect(results.slice(0, 2)).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }]);
    expect(results[2]).toEqual({ status: 'rejected', reason: failure });
    expect(results[3]).toEqual({ status: 'fulfilled', value: { done: true, value: undefined } });
    expect(stream.closed).toBe(1);
  });

  test('break and an error thrown by the consumer close the source', async () => {
    const broken = new FakeStream(SIZES);
    for await (const _ of broken) break;
    expect([broken.closed, broken.position]).toEqual([1, 100]);

    const thrown = new FakeStream(SIZES);
    const consume = async () => {
      for await (const event of thrown) throw new Error(event.id);
    };
    expect(await rejection(consume())).toEqual(new Error(sampleEvent(0).id));
    expect([thrown.closed, thrown.position]).toEqual([1, 100]);
  });

  test('return ends the iteration, closes once, and may come before the first next or twice', async () => {
    const stream = new FakeStream(SIZES);
    const iterator = stream[Symbol.asyncIterator]();
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect([stream.asked, stream.closed]).toEqual([0, 1]);
  });

  test('return while next waits for the source: next answers the end and hands nothing out', async () => {
    const stream = new FakeStream(SIZES);
    const iterator = stream[Symbol.asyncIterator]();
    let returned: Promise<unknown> | undefined;
    stream.onAsk = () => {
      returned ??= iterator.return?.();
    };
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await returned;
    expect([stream.closed, stream.position]).toEqual([1, 7]);
  });
});

describe('batches', () => {
  test('come as the source gives them, the empty ones left out, with the position after each', async () => {
    const stream = new FakeStream(SIZES);
    const seen: [number, number][] = [];
    for await (const events of stream.batches()) seen.push([events.length, stream.position]);
    expect(seen).toEqual([
      [3, 102],
      [1, 103],
      [2, 105],
    ]);
    expect(stream.closed).toBe(1);
  });

  test('break, a throw and return close the source', async () => {
    const broken = new FakeStream(SIZES);
    for await (const _ of broken.batches()) break;
    expect([broken.closed, broken.position]).toEqual([1, 102]);

    const returned = new FakeStream(SIZES);
    const batches = returned.batches();
    await batches.next();
    await batches.return?.();
    expect(returned.closed).toBe(1);
  });

  test('a source that fails is closed and its error passed on', async () => {
    const stream = new FakeStream(SIZES);
    const failure = new Error('the disk is gone');
    stream.onAsk = () => Promise.reject(failure);
    expect(await rejection(stream.toArray())).toBe(failure);
    expect(stream.closed).toBe(1);
  });
});

describe('an abort', () => {
  const reason = { because: 'enough' };
  const ways: { way: string; read: (stream: EventStream) => Promise<unknown> }[] = [
    { way: 'event by event', read: stream => collect(stream) },
    { way: 'batches', read: stream => collect(stream.batches()) },
    { way: 'toArray', read: stream => stream.toArray() },
  ];

  test.for(ways)(
    '$way: while the source is asked, rejects with exactly the reason and closes',
    async ({ read }) => {
      const abort = new AbortController();
      const stream = new FakeStream([1, 1, 1], abort.signal);
      stream.onAsk = () => {
        if (stream.asked === 2) abort.abort(reason);
      };
      expect(await rejection(read(stream))).toBe(reason);
      expect([stream.closed, stream.position]).toEqual([1, 100]);
    },
  );

  test('in the consumer: not even the events of the same batch are handed out', async () => {
    const abort = new AbortController();
    const stream = new FakeStream([3], abort.signal);
    let seen = 0;
    const consume = async () => {
      for await (const _ of stream) if (++seen === 2) abort.abort(reason);
    };
    expect(await rejection(consume())).toBe(reason);
    expect([seen, stream.position, stream.closed]).toEqual([2, 101, 1]);
  });

  test('without a reason rejects with an AbortError', async () => {
    const stream = new FakeStream([1], AbortSignal.abort());
    expect(await rejection(collect(stream))).toMatchObject({ name: 'AbortError' });
  });
});

test('a stream is iterated once: a second time is a TypeError, whichever way', async () => {
  const stream = new FakeStream(SIZES);
  await stream.toArray();
  expect(() => stream[Symbol.asyncIterator]()).toThrow(TypeError);
  expect(await rejection(stream.toArray())).toBeInstanceOf(TypeError);
  expect(() => stream.batches()).toThrow(TypeError);
  expect([stream.started, stream.closed]).toEqual([1, 1]);
});
