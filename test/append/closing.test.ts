/** However a reading ends, the file is closed: counted in descriptors. */
import { describe, expect, test } from 'vitest';
import type { ReadOptions } from '../../src/read/event-filter.js';
import type { EventReader } from '../../src/read/event-reader.js';
import {
  collect,
  linesOf,
  openDescriptors,
  readerOf,
  rejection,
  sampleEvents,
  writeLog,
} from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

const LOG = linesOf(sampleEvents(3000)); // more than one block

/** Runs `work` with a reader and tells how many descriptors are left; the reader held one meanwhile. */
async function leftOpen(
  work: (reader: EventReader, whileReading: () => void) => Promise<unknown>,
  options?: ReadOptions,
  content = LOG,
): Promise<number> {
  const root = temporaryVolume();
  const path = writeLog(root, content);
  let most = 0;
  const whileReading = () => {
    most = Math.max(most, openDescriptors(path));
  };
  await work(readerOf(root, options), whileReading);
  expect(most).toBe(1);
  return openDescriptors(path);
}

/** Turns of the event loop and of the microtask queue, one after the other. */
function aMoment(turn: number): Promise<void> {
  return new Promise(resolve => (turn % 2 === 0 ? setImmediate(resolve) : queueMicrotask(resolve)));
}

describe('the file is closed', () => {
  test('at the end, by events and by batches', async () => {
    const byEvents = leftOpen(async (reader, whileReading) => {
      for await (const event of reader) if (event.id.endsWith('0')) whileReading();
    });
    expect(await byEvents).toBe(0);
    const byBatches = leftOpen(async (reader, whileReading) => {
      for await (const _ of reader.batches()) whileReading();
    });
    expect(await byBatches).toBe(0);
  });

  test('by break', async () => {
    const byEvents = leftOpen(async (reader, whileReading) => {
      for await (const _ of reader) {
        whileReading();
        break;
      }
    });
    expect(await byEvents).toBe(0);
    const byBatches = leftOpen(async (reader, whileReading) => {
      for await (const _ of reader.batches()) {
        whileReading();
        break;
      }
    });
    expect(await byBatches).toBe(0);
  });

  test('by an error that the consumer throws, which comes out as it is', async () => {
    const mine = new Error('mine');
    const left = leftOpen(async (reader, whileReading) => {
      const consume = async () => {
        for await (const _ of reader) {
          whileReading();
          throw mine;
        }
      };
      expect(await rejection(consume())).toBe(mine);
    });
    expect(await left).toBe(0);
  });

  test('by return, also during a read', async () => {
    const left = leftOpen(async (reader, whileReading) => {
      const iterator = reader[Symbol.asyncIterator]();
      await iterator.next();
      whileReading();
      const calls = Array.from({ length: 3000 }, () => iterator.next());
      await iterator.return?.();
      await Promise.all(calls);
    });
    expect(await left).toBe(0);
  });

  test('by return before the file was opened, and at any moment of the opening', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, LOG);
    for (let turns = 0; turns < 30; turns++) {
      const iterator = readerOf(root)[Symbol.asyncIterator]();
      const first = iterator.next();
      for (let turn = 0; turn < turns; turn++) await aMoment(turn);
      await iterator.return?.();
      await first;
      expect(openDescriptors(path)).toBe(0);
    }
    const unopened = readerOf(root)[Symbol.asyncIterator]();
    await unopened.return?.();
    expect(openDescriptors(path)).toBe(0);
  });

  test('by reaching a limit', async () => {
    const left = leftOpen(
      async (reader, whileReading) => {
        for await (const _ of reader) whileReading();
      },
      { limit: 2 },
    );
    expect(await left).toBe(0);
  });

  test('by a malformed line', async () => {
    const left = leftOpen(
      async (reader, whileReading) => {
        const consume = async () => {
          for await (const _ of reader) whileReading();
        };
        expect(await rejection(consume())).toMatchObject({ code: 'ERR_MALFORMED_LINE' });
      },
      {},
      `${linesOf(sampleEvents(2))}{}\n`,
    );
    expect(await left).toBe(0);
  });

  test('when the place to start is wrong', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, LOG);
    for (const options of [
      { from: 1 },
      { from: 2 ** 40 },
      { last: 1, from: 1 },
      { last: 9, maxLineBytes: 1 },
    ]) {
      await rejection(readerOf(root, options).toArray());
    }
    expect(openDescriptors(path)).toBe(0);
  });

  test('by an abort in the middle, with exactly its reason', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const left = leftOpen(
      async (reader, whileReading) => {
        let seen = 0;
        const consume = async () => {
          for await (const _ of reader) {
            whileReading();
            if (++seen === 2) abort.abort(reason);
          }
        };
        expect(await rejection(consume())).toBe(reason);
        expect(seen).toBe(2);
      },
      { signal: abort.signal },
    );
    expect(await left).toBe(0);
  });
});

test('an abort before the start rejects with its reason, and the file is never opened', async () => {
  const root = temporaryVolume(); // there is no log: opening it would give ERR_RUN_NOT_FOUND
  const signal = AbortSignal.abort('before it began');
  expect(await rejection(collect(readerOf(root, { signal })))).toBe('before it began');
  expect(await rejection(readerOf(root, { signal }).toArray())).toBe('before it began');
});
