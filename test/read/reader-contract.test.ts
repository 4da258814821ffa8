/**
 * What every reader and every tail promises, whether it reads the log or its copy on a NATS server: the same cases, run
 * against both.
 */
import { appendFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { EventReader, EventTail, ReadOptions, TailOptions } from '../../src/index.js';
import { EventLog, type RunEvent } from '../../src/index.js';
import { type RemoteReader, type RemoteTail, readRemote, tailRemote } from '../../src/jetstream.js';
import { NatsServer, noServer } from '../jetstream/nats-server.js';
import {
  collect,
  expectedEvents,
  lineOf,
  linesOf,
  REFERENCE,
  RUN_ID,
  rejection,
  sampleEvent,
  sampleEvents,
  someFilter,
  writeLog,
} from '../support/logs.js';
import { quickVolume } from '../support/quick-volume.js';
import { connectTo, RawPublisher } from '../support/raw-publisher.js';
import { rounds, spread } from '../support/rounds.js';
import { completedRun, logOf, SMALL_RUN } from '../support/small-run.js';

/** A place where one run can be written and read; each has nothing in it at first. */
interface Place {
  write(lines: string | Uint8Array): Promise<void>;
  read(options?: ReadOptions): EventReader | RemoteReader;
  tail(options?: TailOptions): EventTail | RemoteTail;
}

interface BackEnd {
  readonly name: string;
  readonly missing: boolean;
  place(runId: string): Promise<Place>;
}

const files: BackEnd = {
  name: 'the log',
  missing: false,
  place: async runId => {
    const root = quickVolume();
    let written = false;
    return {
      write: async lines => {
        if (written) appendFileSync(EventLogPath(root, runId), lines);
        else writeLog(root, lines, runId);
        written = true;
      },
      read: options => EventLog.read(root, runId, options),
      tail: options => EventLog.tail(root, runId, { pollInterval: 20, ...options }),
    };
  },
};

function EventLogPath(root: string, runId: string): string {
  return `${root}/.omne/var/runs/${runId}/events.jsonl`;
}

const server = NatsServer.forAll();
const copies: BackEnd = {
  name: 'its copy on a server',
  missing: noServer,
  place: async runId => {
    const connection = await connectTo(server);
    const publisher = await RawPublisher.to(connection);
    await publisher.manager.streams.purge(publisher.stream);
    await publisher.publish('other-01kp8g6dg0zg6axb6gqz17wf7m', linesOf(sampleEvents(3))); // sequences begin elsewhere
    return {
      write: async lines => {
        await publisher.publish(runId, lines);
        await publisher.publish('other-01kp8g6dg0zg6axb6gqz17wf7m', lineOf(sampleEvent(3)));
      },
      read: options => readRemote(connection, runId, options),
      tail: options => tailRemote(connection, runId, options),
    };
  },
};

const EVENTS = sampleEvents(120);
const TEXT = linesOf(EVENTS);
const STARTS = EVENTS.map((_, index) => Buffer.byteLength(linesOf(EVENTS.slice(0, index))));
const END = Buffer.byteLength(TEXT);
const startOf = (index: number): number => STARTS[index] ?? END;
const RUN = completedRun();
const code = (name: string) => expect.objectContaining({ name: expect.stringMatching(/Error$/), code: name });
const quiet = sampleEvents(120).filter(({ type }) => type !== 'pipe.aborted');

for (const backEnd of [files, copies]) {
  describe.skipIf(backEnd.missing)(`a reader of ${backEnd.name}`, () => {
    test('gives the events of a log written by the Rust program, whichever way it is taken', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(REFERENCE);
      const reader = place.read();
      const events = await collect(reader);
      expect(events).toHaveLength(1000);
      expect(linesOf(events)).toBe(REFERENCE.toString());
      expect([reader.position, reader.tornBytes]).toEqual([REFERENCE.length, 0]);
      expect((await collect(place.read().batches())).flat()).toEqual(events);
      expect(await place.read().toArray()).toEqual(events);
    });

    test('obeys from, after, types, nodeId, limit and last in any combination', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(TEXT);
      const some = fc.record<ReadOptions>(
        {
          from: fc.constantFrom(...STARTS, END),
          after: fc.oneof(
            fc.nat(130).map(index => sampleEvent(index).id),
            fc.constantFrom('', '0', '7'),
          ),
          limit: fc.nat(30),
          last: fc.nat(40),
        },
        { requiredKeys: [] },
      );
      await fc.assert(
        fc.asyncProperty(some, someFilter, async (place_, filter) => {
          const options = { ...place_, ...filter };
          expect(await place.read(options).toArray()).toEqual(expectedEvents(EVENTS, options));
        }),
        { numRuns: Math.max(20, rounds(60)) },
      );
    });

    test.for(['mzbcd', 'edcba', 'aebdc', 'bcdea'])(
      'begins after an id also where ids do not rise: %s',
      async ids => {
        const events = [...ids].map((id, index) => ({ ...sampleEvent(index), id }));
        const place = await backEnd.place(RUN_ID);
        await place.write(linesOf(events));
        const froms = [undefined, Buffer.byteLength(linesOf(events.slice(0, 2)))];
        const all = [...ids, 'Z', 'bb', 'n', '~'].flatMap(after =>
          [undefined, 0, 1, 2, 4].flatMap(last => froms.map(from => ({ after, last, from }))),
        );
        for (const options of spread(all, 3)) {
          const reader = place.read(options);
          expect([options, await reader.toArray()]).toEqual([options, expectedEvents(events, options)]);
        }
      },
    );

    test('gives a position after every event, from which another reader goes on', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(TEXT);
      const reader = place.read();
      let index = 0;
      for await (const event of reader) {
        expect(event).toEqual(EVENTS[index++]);
        expect(reader.position).toBe(startOf(index));
      }
      for (const at of [1, 59, 119]) {
        const rest = place.read({ from: startOf(at) });
        expect(rest.position).toBe(startOf(at));
        expect(await rest.toArray()).toEqual(EVENTS.slice(at));
      }
      const none = place.read({ from: END });
      expect([await none.toArray(), none.position]).toEqual([[], END]);
    });

    test('reads in reverse what it reads forwards, in any combination with the other options', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(TEXT);
      const some = fc.record<ReadOptions>(
        {
          from: fc.constantFrom(...STARTS, END),
          after: fc.oneof(
            fc.nat(130).map(index => sampleEvent(index).id),
            fc.constantFrom('', '0', '7'),
          ),
          last: fc.nat(40),
        },
        { requiredKeys: [] },
      );
      const limits = fc.option(fc.nat(30), { nil: undefined });
      await fc.assert(
        fc.asyncProperty(some, someFilter, limits, async (place_, filter, limit) => {
          const options = { ...place_, ...filter };
          const expected = expectedEvents(EVENTS, options).reverse().slice(0, limit);
          const reverse = { ...options, limit, reverse: true };
          expect(await place.read(reverse).toArray()).toEqual(expected);
          expect((await collect(place.read(reverse).batches())).flat()).toEqual(expected);
        }),
        { numRuns: Math.max(20, rounds(60)) },
      );
    });

    test.for(['mzbcd', 'edcba', 'aebdc', 'bcdea'])(
      'reads back to an id also where ids do not rise: %s',
      async ids => {
        const events = [...ids].map((id, index) => ({ ...sampleEvent(index), id }));
        const place = await backEnd.place(RUN_ID);
        await place.write(linesOf(events));
        for (const after of [...ids, 'Z', 'bb', 'n', '~']) {
          for (const from of [undefined, Buffer.byteLength(linesOf(events.slice(0, 2)))]) {
            const options = { after, from };
            const found = await place.read({ ...options, reverse: true }).toArray();
            expect([options, found]).toEqual([options, expectedEvents(events, options).reverse()]);
          }
        }
      },
    );

    test('its position in reverse is where the last event it gave begins', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(TEXT);
      const reader = place.read({ reverse: true, limit: 50 });
      let index = EVENTS.length;
      for await (const event of reader) {
        expect(event).toEqual(EVENTS[--index]);
        expect(reader.position).toBe(startOf(index));
      }
      expect(await place.read({ from: reader.position }).toArray()).toEqual(EVENTS.slice(70));
      const ended = place.read({ reverse: true });
      for await (const _ of ended) break;
      expect(ended.position).toBe(startOf(119));
    });

    test('in reverse a malformed line comes after the events after it, or goes to the callback', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(`${linesOf(EVENTS.slice(0, 5))}{"type":"nonsense"}\n${linesOf(EVENTS.slice(5, 8))}`);
      const seen: RunEvent[] = [];
      const reader = place.read({ reverse: true });
      const reading = (async () => {
        for await (const events of reader.batches()) seen.push(...events);
      })();
      const error = await rejection(reading);
      expect(seen).toEqual(EVENTS.slice(5, 8).reverse());
      expect(error).toEqual(code('ERR_MALFORMED_LINE'));
      expect(error).toHaveProperty('offset', startOf(5));
      const offsets: unknown[] = [];
      const onMalformed = ({ offset }: { offset?: number | undefined }) => offsets.push(offset);
      expect(await place.read({ reverse: true, onMalformed }).toArray()).toEqual(
        EVENTS.slice(0, 8).reverse(),
      );
      expect(offsets).toEqual([startOf(5)]);
    });

    test('refuses in reverse what it refuses forwards', async () => {
      const place = await backEnd.place(RUN_ID);
      await expect(place.read({ reverse: true }).toArray()).rejects.toEqual(code('ERR_RUN_NOT_FOUND'));
      await place.write(TEXT);
      const refused = (options: ReadOptions) =>
        rejection(place.read({ reverse: true, ...options }).toArray());
      expect(await refused({ from: 1 })).toEqual(code('ERR_INVALID_POSITION'));
      expect(await refused({ from: END + 1 })).toEqual(code('ERR_LOG_TRUNCATED'));
      expect(await refused({ maxLineBytes: 50 })).toEqual(code('ERR_LINE_TOO_LONG'));
      const reason = new Error('enough');
      expect(await refused({ signal: AbortSignal.abort(reason) })).toBe(reason);
      expect(() => place.tail(JSON.parse('{ "reverse": true }'))).toThrow(TypeError);
    });

    test('has its position after what it passed over when it reads the last events', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(TEXT);
      const [first, nothing] = [place.read({ last: 7 }), place.read({ last: 0 })];
      for await (const _ of first) break;
      expect(first.position).toBe(startOf(114));
      expect([await nothing.toArray(), nothing.position]).toEqual([[], END]);
    });

    test('stops where it is asked to, and keeps its position', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(TEXT);
      const reader = place.read();
      for await (const event of reader) if (event.id === EVENTS[40]?.id) break;
      expect(reader.position).toBe(startOf(41));
      expect(() => reader.batches()).toThrow(TypeError);
    });

    test('reads what is there when it begins', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(linesOf(EVENTS.slice(0, 50)));
      expect(await place.read().toArray()).toHaveLength(50);
      await place.write(linesOf(EVENTS.slice(50)));
      expect(await place.read().toArray()).toEqual(EVENTS);
    });

    test('refuses a position that is no line start, and one past the end', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(TEXT);
      for (const from of [1, startOf(60) + 1, END - 1]) {
        await expect(place.read({ from }).toArray()).rejects.toEqual(code('ERR_INVALID_POSITION'));
      }
      await expect(place.read({ from: END + 1 }).toArray()).rejects.toEqual(code('ERR_LOG_TRUNCATED'));
    });

    test('reports a run that is not there, and a bad run id at once', async () => {
      const place = await backEnd.place(RUN_ID);
      await expect(place.read().toArray()).rejects.toEqual(code('ERR_RUN_NOT_FOUND'));
      const wrong = await backEnd.place('../../etc').then(each => each.read);
      expect(() => wrong()).toThrow(code('ERR_INVALID_RUN_ID'));
    });

    test('reports mistakes in the options at once', async () => {
      const place = await backEnd.place(RUN_ID);
      for (const options of [{ from: -1 }, { last: 0.5 }, { limit: Number.NaN }]) {
        expect(() => place.read(options)).toThrow(TypeError);
        expect(() => place.tail(options)).toThrow(TypeError);
      }
      expect(() => place.tail({ appearTimeout: -1 })).toThrow(TypeError);
    });

    test('throws at a malformed line, after the events before it', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(`${linesOf(EVENTS.slice(0, 5))}{"type":"nonsense"}\n${lineOf(sampleEvent(6))}`);
      const seen: RunEvent[] = [];
      const reader = place.read();
      const error = await rejection(
        (async () => {
          for await (const event of reader) seen.push(event);
        })(),
      );
      expect(seen).toEqual(EVENTS.slice(0, 5));
      expect(error).toEqual(code('ERR_MALFORMED_LINE'));
      expect(error).toHaveProperty('offset', startOf(5));
      expect(error).toHaveProperty('path', expect.stringContaining(RUN_ID));
      expect(reader.position).toBe(startOf(5));
    });

    test('passes over malformed lines where a callback takes them', async () => {
      const place = await backEnd.place(RUN_ID);
      const [first = '', second = ''] = [lineOf(sampleEvent(0)), lineOf(sampleEvent(1))];
      await place.write(
        Buffer.concat([Buffer.from(`${first}{}\n`), Buffer.from([0xff, 0x0a]), Buffer.from(second)]),
      );
      const offsets: unknown[] = [];
      const events = await place.read({ onMalformed: ({ offset }) => offsets.push(offset) }).toArray();
      expect(events).toEqual([sampleEvent(0), sampleEvent(1)]);
      expect(offsets).toEqual(
        [first.length, first.length + 3].map(each => each + Buffer.byteLength(first) - first.length),
      );
    });

    // A block in which a line is not UTF-8 is decoded in another way.
    test.for<[string, string, ReadOptions, string]>([
      ['types', 'of UTF-8', { types: ['node.completed'] }, '[]\n'],
      ['nodeId', 'of UTF-8', { nodeId: 'node-1' }, '[]\n'],
      ['types', 'of any bytes', { types: ['node.completed'] }, '\xff\n'],
      ['nodeId', 'of any bytes', { nodeId: 'node-1' }, '\xff\n'],
    ])(
      'reports malformed lines also between events that %s keeps back, in a block %s',
      async ([, , filter, strange]) => {
        const [first = '', second = '', wanted = ''] = [0, 2, 4].map(index => lineOf(sampleEvent(index)));
        const unwanted = first.replace('"bash"', '"cobol"'); // of another type and node, and no event either
        const lines = [first, unwanted, second, '{"type":"nonsense"}\n', strange, second, wanted].map(line =>
          Buffer.from(line, line === strange ? 'latin1' : 'utf8'),
        );
        const malformedAt = [1, 3, 4].map(index => Buffer.concat(lines.slice(0, index)).length);
        const place = await backEnd.place(RUN_ID);
        await place.write(Buffer.concat(lines));

        const offsets: unknown[] = [];
        const options: ReadOptions = { ...filter, onMalformed: ({ offset }) => offsets.push(offset) };
        expect(await place.read(options).toArray()).toEqual([sampleEvent(4)]);
        expect(offsets).toEqual(malformedAt);
        const error = await rejection(place.read(filter).toArray());
        expect(error).toEqual(code('ERR_MALFORMED_LINE'));
        expect(error).toHaveProperty('offset', malformedAt[0]);
      },
    );

    test('refuses a line over the limit', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(TEXT);
      await expect(place.read({ maxLineBytes: 50 }).toArray()).rejects.toEqual(code('ERR_LINE_TOO_LONG'));
    });

    test('rejects with the reason of an aborted signal, before and in the middle', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(TEXT);
      const reason = new Error('enough');
      expect(await rejection(place.read({ signal: AbortSignal.abort(reason) }).toArray())).toBe(reason);
      const ending = new AbortController();
      const reader = place.read({ signal: ending.signal });
      const reading = (async () => {
        for await (const event of reader) if (event.id === EVENTS[3]?.id) ending.abort(reason);
      })();
      expect(await rejection(reading)).toBe(reason);
      expect(reader.position).toBe(startOf(4));
    });
  });

  describe.skipIf(backEnd.missing)(`a tail of ${backEnd.name}`, () => {
    test('hands out what is there, then what comes, and ends after the terminal event', async () => {
      const place = await backEnd.place(SMALL_RUN);
      await place.write(logOf(RUN.slice(0, 2)));
      const tail = place.tail();
      const following = tail.toArray();
      await tail.caughtUp;
      for (const event of RUN.slice(2)) await place.write(logOf([event]));
      expect(await following).toEqual(RUN);
      expect([tail.position, tail.tornBytes]).toEqual([logOf(RUN).length, 0]);
    });

    test('follows batches and filters, and ends after a terminal event that the filter keeps back', async () => {
      const place = await backEnd.place(SMALL_RUN);
      await place.write(logOf(RUN.slice(0, 3)));
      const tail = place.tail({ types: ['gate.passed', 'node.failed'] });
      const following = collect(tail.batches());
      await tail.caughtUp;
      await place.write(logOf(RUN.slice(3)));
      expect((await following).flat()).toEqual([RUN[3], RUN[5]]);
    });

    test('begins at a position, after an id, at the last events or at the end', async () => {
      const place = await backEnd.place(SMALL_RUN);
      await place.write(logOf(RUN.slice(0, 4)));
      const given: [TailOptions, number][] = [
        [{ from: logOf(RUN.slice(0, 2)).length }, 2],
        [{ after: RUN[0]?.id ?? '' }, 1],
        [{ last: 1 }, 3],
        [{ from: 'start' }, 0],
        [{ from: 'end' }, 4],
      ];
      const tails = given.map(([options]) => place.tail(options));
      const following = tails.map(tail => tail.toArray());
      await Promise.all(tails.map(tail => tail.caughtUp));
      await place.write(logOf(RUN.slice(4)));
      const expected = given.map(([{ last }, first]) =>
        last === undefined ? RUN.slice(first) : RUN.slice(first),
      );
      expect(await Promise.all(following)).toEqual(expected);
    });

    test('hands out what comes after an id, though it begins at the end and the ids that come are lesser', async () => {
      const place = await backEnd.place(RUN_ID);
      const [known, later] = [...'mc'].map((id, index) => ({ ...sampleEvent(index), id }));
      if (known === undefined || later === undefined) throw new Error('no events');
      await place.write(lineOf(known));
      const tail = place.tail({ from: 'end', after: 'm' });
      const iterator = tail[Symbol.asyncIterator]();
      const next = iterator.next();
      await tail.caughtUp;
      await place.write(lineOf(later));
      expect(await next).toEqual({ done: false, value: later });
      await iterator.return?.();
    });

    test('ends at once after the end of a run', async () => {
      const place = await backEnd.place(SMALL_RUN);
      await place.write(logOf(RUN));
      for (const options of [{ from: logOf(RUN).length }, { from: 'end' }] as const) {
        const tail = place.tail(options);
        expect(await tail.toArray()).toEqual([]);
        await tail.caughtUp;
        expect(tail.position).toBe(logOf(RUN).length);
      }
    });

    test('goes on after a terminal event where it is asked to', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(TEXT);
      const ending = new AbortController();
      const tail = place.tail({ stopAtTerminal: false, signal: ending.signal });
      const seen: RunEvent[] = [];
      const following = (async () => {
        for await (const event of tail) seen.push(event);
      })();
      await tail.caughtUp;
      expect(seen).toEqual(EVENTS);
      ending.abort(new Error('enough'));
      await expect(following).rejects.toThrow('enough');
    });

    test('waits for a run that is not there yet, and reads it from its start', async () => {
      const place = await backEnd.place(SMALL_RUN);
      const { signal } = new AbortController();
      const asked = vi.spyOn(signal, 'throwIfAborted'); // once for each look, and once before the first
      const following = place.tail({ from: 'end', signal }).toArray();
      await vi.waitFor(() => expect(asked.mock.calls.length).toBeGreaterThan(5), 4000);
      await place.write(logOf(RUN));
      expect(await following).toEqual(RUN);
      await expect((await backEnd.place(RUN_ID)).tail({ appearTimeout: 30 }).toArray()).rejects.toEqual(
        code('ERR_RUN_NOT_FOUND'),
      );
    });

    test('ends a wait that is under way when it is aborted or returned, and says it did not catch up', async () => {
      const place = await backEnd.place(RUN_ID);
      await place.write(linesOf(quiet));
      const ending = new AbortController();
      const tail = place.tail({ signal: ending.signal, from: 'end' });
      const waiting = tail.toArray();
      await tail.caughtUp;
      const reason = new Error('enough');
      ending.abort(reason);
      expect(await rejection(waiting)).toBe(reason);

      const other = place.tail({ from: 'end' });
      const iterator = other[Symbol.asyncIterator]();
      const next = iterator.next();
      await other.caughtUp;
      await iterator.return?.();
      expect(await next).toEqual({ done: true, value: undefined });

      const third = place.tail();
      for await (const _ of third) break;
      await expect(third.caughtUp).rejects.toEqual(code('ERR_LOG_CLOSED'));
    });

    test('resumes from the position of another without a gap or a repeat', async () => {
      const place = await backEnd.place(SMALL_RUN);
      await place.write(logOf(RUN));
      const seen: RunEvent[] = [];
      let from = 0;
      while (seen.length < RUN.length) {
        const tail = place.tail({ from });
        for await (const event of tail) {
          seen.push(event);
          break;
        }
        from = tail.position;
      }
      expect(seen).toEqual(RUN);
    });
  });
}
