/** Where a reading begins that goes by ids, in logs whose ids rise and in logs of others, whose ids may not. */
import { appendFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventLog, eventDecoder, type RunEvent } from '../../src/index.js';
import type { ReadOptions } from '../../src/read/event-filter.js';
import { collect, linesOf, RUN_ID, readerOf, sampleEvent, writeLog } from '../support/logs.js';
import { rounds, spread } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

/** Events with these ids, in this order. */
function eventsWith(ids: readonly string[]): RunEvent[] {
  return ids.map((id, index) => ({ ...sampleEvent(index * 5), id }));
}

/** What the options mean: after the last event with the id, else from the first greater one on. */
function expected(events: readonly RunEvent[], { after, last, nodeId }: ReadOptions): RunEvent[] {
  const exact = events.findLastIndex(({ id }) => id === after);
  const greater = events.findIndex(({ id }) => after === undefined || id > after);
  const start = exact !== -1 ? exact + 1 : greater === -1 ? events.length : greater;
  const matching = events
    .slice(start)
    .filter(event => nodeId === undefined || ('node_id' in event && event.node_id === nodeId));
  return last === undefined ? matching : matching.slice(Math.max(0, matching.length - last));
}

async function idsRead(events: readonly RunEvent[], options: ReadOptions): Promise<string[]> {
  const root = temporaryVolume();
  writeLog(root, linesOf(events));
  return (await readerOf(root, options).toArray()).map(({ id }) => id);
}

describe('reading after an id', () => {
  const foreign = eventsWith(['m', 'c', 'x', 'a', 'k', 'b']);

  test.each<[string, ReadOptions, string]>([
    ['starts after the event with the id, though greater ids come before it', { after: 'a' }, 'k b'],
    ['hands out what comes after it, though the ids are lesser', { after: 'x' }, 'a k b'],
    ['hands out nothing after the last event', { after: 'b' }, ''],
    ['starts at the first greater id where no event has it', { after: 'l' }, 'm c x a k b'],
    ['hands out nothing where no id is greater', { after: 'z' }, ''],
    ['takes the last n of what comes after it', { after: 'c', last: 2 }, 'k b'],
    ['takes no more than comes after it', { after: 'a', last: 9 }, 'k b'],
    [
      'takes the last n from the first greater id on where no event has it',
      { after: 'n', last: 9 },
      'x a k b',
    ],
    ['takes none of none', { after: 'z', last: 3 }, ''],
  ])('%s', async (_, options, ids) => {
    expect((await idsRead(foreign, options)).join(' ')).toBe(ids);
  });

  test('hands out all after a position that is past the event, so that reading can be resumed there', async () => {
    const root = temporaryVolume();
    const events = eventsWith(['m', 'c', 'x', 'a', 'k', 'b']);
    writeLog(root, linesOf(events));
    const first = readerOf(root, { after: 'm', limit: 2 });
    expect((await first.toArray()).map(({ id }) => id)).toEqual(['c', 'x']);
    const from = first.position;
    const rest = async (options: ReadOptions) =>
      (await readerOf(root, { ...options, from }).toArray()).map(({ id }) => id);
    expect(await rest({ after: 'm' })).toEqual(['a', 'k', 'b']);
    expect(await rest({ after: 'm', last: 2 })).toEqual(['k', 'b']);
    expect(await rest({ after: 'a' })).toEqual(['k', 'b']);
    expect(await rest({ after: 'l' })).toEqual([]);
  });

  test('means the last event with the id where several have it', async () => {
    expect(await idsRead(eventsWith(['a', 'b', 'a', 'c']), { after: 'a' })).toEqual(['c']);
  });

  test('knows an id by its value, however it is written', async () => {
    const root = temporaryVolume();
    writeLog(root, linesOf(eventsWith(['b', 'a"\\é', 'c'])).replace('"id":"b"', '"id":"\\u0062"'));
    const idsAfter = async (after: string) => (await readerOf(root, { after }).toArray()).map(({ id }) => id);
    expect(await idsAfter('b')).toEqual(['a"\\é', 'c']);
    expect(await idsAfter('a"\\é')).toEqual(['c']);
  });

  test('does not take an id in another field for that of the event', async () => {
    const [first, second] = eventsWith(['b', 'c']);
    if (first === undefined || second?.type !== 'node.started') throw new Error('not the events expected');
    expect(await idsRead([first, { ...second, name: '","id":"b"' }], { after: 'b' })).toEqual(['c']);
  });

  test('is found in a long log, between lines longer than a look and lines that are no events', async () => {
    const root = temporaryVolume();
    const ids = Array.from({ length: 60 }, (_, index) => `id-${String(index).padStart(2, '0')}`);
    const text = eventsWith(ids).map((event, index) => {
      const name = 'x'.repeat(index % 3 === 0 ? 60_000 : 20);
      return linesOf([{ ...event, name } as RunEvent]) + 'no event\n'.repeat(index % 12 === 0 ? 300 : 1);
    });
    writeLog(root, text.join(''));
    const next = (after: string) =>
      readerOf(root, { after, limit: 1, onMalformed: () => undefined }).toArray();
    for (const [index, after] of spread([...ids.entries()], 7))
      expect((await next(after)).map(({ id }) => id)).toEqual(ids.slice(index + 1, index + 2));
    expect(await next('id-60')).toEqual([]);
  });

  test('means the same with any ids, any last and any filter', async () => {
    const ids = fc.array(fc.constantFrom('', 'a', 'b', 'B', 'ä', '7', '01kp8g6dg0'), { maxLength: 12 });
    const options = fc.record(
      {
        after: fc.constantFrom('', 'a', 'b', 'c', '7', 'ä', '01kp8g6dg0'),
        last: fc.nat({ max: 5 }),
        nodeId: fc.constantFrom('node-0', 'node-1'),
      },
      { requiredKeys: ['after'] },
    );
    const root = temporaryVolume();
    await fc.assert(
      fc.asyncProperty(ids, options, async (some, given) => {
        const events = eventsWith(some);
        writeLog(root, linesOf(events));
        expect(await readerOf(root, given).toArray()).toEqual(expected(events, given));
      }),
      { numRuns: rounds(400) },
    );
  });
});

test('a tail after an id hands out what is appended, though the ids do not rise', async () => {
  const root = temporaryVolume();
  const path = writeLog(root, linesOf(eventsWith(['m', 'c', 'x'])));
  for (const options of [{ after: 'x' }, { after: 'c', last: 1 }]) {
    const tail = EventLog.tail(root, RUN_ID, options);
    const ids: string[] = [];
    const reading = (async () => {
      for await (const { id } of tail) if (ids.push(id) === (options.last ?? 0) + 1) break;
    })();
    await tail.caughtUp;
    appendFileSync(path, linesOf(eventsWith(['b'])));
    await reading;
    expect(ids.at(-1)).toBe('b');
    writeLog(root, linesOf(eventsWith(['m', 'c', 'x'])));
  }
});

test('a tail from the end after an id hands out what is appended, though its id is lesser', async () => {
  const root = temporaryVolume();
  const path = writeLog(root, linesOf(eventsWith(['m'])));
  const tail = EventLog.tail(root, RUN_ID, { from: 'end', after: 'm' });
  const next = tail[Symbol.asyncIterator]().next();
  await tail.caughtUp;
  appendFileSync(path, linesOf(eventsWith(['c'])));
  expect((await next).value?.id).toBe('c');
});

test('a decoder, which cannot look ahead, starts at the first id that is greater', async () => {
  const content = linesOf(eventsWith(['b', 'm', 'a', 'k']));
  const decode = async (after: string) => {
    const events: RunEvent[] = await collect(
      Readable.from([Buffer.from(content)]).pipe(eventDecoder({ after })),
    );
    return events.map(({ id }) => id);
  };
  expect(await decode('b')).toEqual(['m', 'a', 'k']);
  expect(await decode('a')).toEqual(['b', 'm', 'a', 'k']);
});
