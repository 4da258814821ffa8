/** Options: `undefined` is as good as absent, and what is of the wrong kind is a mistake of the program, reported at once. */
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { EventLog, eventDecoder, repairRun, verifyRun } from '../src/index.js';
import { mirrorRun, mirrorVolume, readRemote, remoteRuns, tailRemote } from '../src/jetstream.js';
import { RUN_ID, rejection } from './support/logs.js';
import { temporaryVolume } from './support/volume.js';

const LOG = ['mode', 'lock', 'lockTimeout', 'maxLineBytes', 'maxPendingBytes'];
const READ = ['from', 'after', 'types', 'nodeId', 'limit', 'last', 'onMalformed', 'maxLineBytes', 'signal'];
const TAIL = [...READ, 'stopAtTerminal', 'appearTimeout', 'pollInterval', 'watch'];
const RUNS = ['pipe', 'status', 'reverse', 'limit', 'signal'];
const VERIFY = ['maxProblems', 'maxLineBytes', 'onProgress', 'signal'];

/** Calls something with options that the types would not let through. */
function callWith(call: (...args: never[]) => unknown, ...args: unknown[]): unknown {
  return Reflect.apply(call, EventLog, args);
}

function nothing(names: readonly string[]): object {
  return Object.fromEntries(names.map(name => [name, undefined]));
}

test('options that are all undefined do what no options do', async () => {
  const root = temporaryVolume();
  const log = await EventLog.create(root, 'feature', nothing(LOG));
  await log.append({ type: 'pipe.started', pipe: 'feature' });
  await log.close();
  const again = await EventLog.open(root, log.runId, nothing([...LOG, 'create']));
  const end = await again.append({ type: 'pipe.completed' });
  await again.close();
  const events = await EventLog.read(root, log.runId).toArray();
  expect(events.at(-1)).toEqual(end);
  expect(await EventLog.read(root, log.runId, nothing(READ)).toArray()).toEqual(events);
  expect(await EventLog.tail(root, log.runId, nothing(TAIL)).toArray()).toEqual(events);
  for await (const run of EventLog.runs(root, nothing(RUNS))) expect(run.eventCount).toBe(2);
  expect(await verifyRun(root, log.runId, nothing(VERIFY))).toMatchObject({ ok: true, events: 2 });
  expect(await repairRun(root, log.runId, nothing(LOG))).toBeUndefined();
  const decoder = eventDecoder(nothing(READ));
  decoder.end();
  expect(await text(decoder)).toBe('');
});

test('a log hands its own maxLineBytes to its readers, unless they are given another', async () => {
  const root = temporaryVolume();
  await using log = await EventLog.create(root, 'feature', { maxLineBytes: 200 });
  const longer = await EventLog.open(root, log.runId);
  await longer.append({ type: 'pipe.aborted', reason: 'x'.repeat(200) });
  await longer.close();
  for (const options of [{}, { maxLineBytes: undefined }]) {
    const refused = { code: 'ERR_LINE_TOO_LONG' };
    expect(await rejection(log.read(options).toArray())).toMatchObject(refused);
    expect(await rejection(log.tail(options).toArray())).toMatchObject(refused);
  }
  expect(await log.read({ maxLineBytes: 1000 }).toArray()).toHaveLength(1);
  expect(await log.tail({ maxLineBytes: 1000 }).toArray()).toHaveLength(1);
});

const NUMBERS = [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', true, null, {}];
const BOOLEANS = ['yes', 'true', 1, 0, null, {}];
const TEXTS = [1, true, null, {}, ['a']];
const SIGNALS = [true, 'stop', null, {}, new AbortController()];
const STREAM_NAMES = [5, true, null, {}, '', 'a.b', 'a b', '>', 'a/b'];
const STREAMS = [5, true, null, [], '', 'a.b', { name: '' }, { name: 5 }];
const CONNECTIONS = [undefined, null, 'nats://127.0.0.1', {}];
const FUNCTIONS = [true, 'skip', null, {}];

/** Option by option, values that are of the wrong kind. */
const WRONG: { readonly [call: string]: { readonly [option: string]: readonly unknown[] } } = {
  read: {
    from: [...NUMBERS, 'start'],
    after: TEXTS,
    types: ['node.started', [1], ['node.paused'], null, {}],
    nodeId: TEXTS,
    limit: NUMBERS,
    last: NUMBERS,
    onMalformed: FUNCTIONS,
    maxLineBytes: NUMBERS,
    signal: SIGNALS,
  },
  tail: {
    from: [-1, 1.5, '1', 'middle', true, null],
    stopAtTerminal: BOOLEANS,
    appearTimeout: [-1, Number.NaN, '1', null],
    pollInterval: [0, -1, Number.NaN, '1', null],
    watch: BOOLEANS,
    signal: SIGNALS,
  },
  runs: {
    pipe: TEXTS,
    status: ['done', 1, null, ['running']],
    reverse: BOOLEANS,
    limit: NUMBERS,
    signal: SIGNALS,
  },
  verifyRun: { maxProblems: NUMBERS, maxLineBytes: NUMBERS, onProgress: FUNCTIONS, signal: SIGNALS },
  eventDecoder: {
    after: TEXTS,
    nodeId: TEXTS,
    onMalformed: FUNCTIONS,
    maxLineBytes: NUMBERS,
    signal: SIGNALS,
  },
  create: {
    mode: [...NUMBERS, 0o1777],
    lock: BOOLEANS,
    lockTimeout: NUMBERS,
    maxLineBytes: NUMBERS,
    maxPendingBytes: NUMBERS,
  },
  allocate: { mode: NUMBERS, lock: BOOLEANS, lockTimeout: NUMBERS },
  open: { create: BOOLEANS, lock: BOOLEANS, mode: NUMBERS },
  readRemote: { stream: STREAM_NAMES, from: NUMBERS, last: NUMBERS, signal: SIGNALS },
  tailRemote: {
    stream: STREAM_NAMES,
    stopAtTerminal: BOOLEANS,
    appearTimeout: [-1, '1', null],
    signal: SIGNALS,
  },
  remoteRuns: { stream: STREAM_NAMES, limit: NUMBERS, reverse: BOOLEANS, signal: SIGNALS },
  mirrorRun: { connection: CONNECTIONS, stream: STREAMS, signal: SIGNALS },
  mirrorVolume: {
    connection: CONNECTIONS,
    stream: STREAMS,
    signal: SIGNALS,
    concurrency: [0, ...NUMBERS],
    pollInterval: [0, -1, Number.NaN, '1', null],
    once: BOOLEANS,
    onError: FUNCTIONS,
    onRun: FUNCTIONS,
  },
};

/** Looks like a connection; whoever uses it has not looked at the options first. */
const CONNECTION = {
  isClosed: () => false,
  request: () => {
    throw new Error('used');
  },
};

const wrong = Object.entries(WRONG).flatMap(([call, options]) =>
  Object.entries(options).map(([option, values]) => ({ call, option, values })),
);

test.for(wrong)('$call: a wrong $option is a TypeError that names it', async ({ call, option, values }) => {
  const root = temporaryVolume();
  const calls: { readonly [name: string]: (options: object) => unknown } = {
    read: options => callWith(EventLog.read, root, RUN_ID, options),
    tail: options => callWith(EventLog.tail, root, RUN_ID, options),
    runs: options => callWith(EventLog.runs, root, options),
    verifyRun: options => callWith(verifyRun, root, RUN_ID, options),
    eventDecoder: options => callWith(eventDecoder, options),
    create: options => callWith(EventLog.create, root, 'feature', options),
    allocate: options => callWith(EventLog.allocate, root, 'feature', options),
    open: options => callWith(EventLog.open, root, RUN_ID, options),
    readRemote: options => callWith(readRemote, CONNECTION, RUN_ID, options),
    tailRemote: options => callWith(tailRemote, CONNECTION, RUN_ID, options),
    remoteRuns: options => callWith(remoteRuns, CONNECTION, options),
    mirrorRun: options => callWith(mirrorRun, root, RUN_ID, { connection: CONNECTION, ...options }),
    mirrorVolume: options => callWith(mirrorVolume, root, { connection: CONNECTION, ...options }),
  };
  for (const value of values) {
    const attempt = async () => calls[call]?.({ [option]: value });
    const error = await rejection(attempt());
    expect([value, error]).toEqual([value, expect.any(TypeError)]);
    expect(error).toMatchObject({ message: expect.stringContaining(option) });
  }
});

test('a wrong option of a listing is reported at the call, before anything is listed', () => {
  expect(() => callWith(EventLog.runs, temporaryVolume(), { reverse: 'yes' })).toThrow(TypeError);
  expect(() => callWith(EventLog.read, temporaryVolume(), RUN_ID, { limit: 'all' })).toThrow(TypeError);
  expect(() => callWith(remoteRuns, CONNECTION, { limit: -1 })).toThrow(TypeError);
});

test('what is no connection to a NATS server is reported at the call', () => {
  for (const connection of [undefined, null, 'nats://127.0.0.1', {}]) {
    expect(() => callWith(readRemote, connection, RUN_ID)).toThrow(TypeError);
    expect(() => callWith(tailRemote, connection, RUN_ID)).toThrow(TypeError);
    expect(() => callWith(remoteRuns, connection)).toThrow(TypeError);
  }
});
