import { getEventListeners } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EventLog, eventDecoder } from '../../src/index.js';
import { onAbort } from '../../src/on-abort.js';
import { linesOf, RUN_ID, rejection, sampleEvents, writeLog } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

const listenersOn = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

/** The warnings of Node while a test runs. */
function warnings(): string[] {
  const names: string[] = [];
  const note = ({ name }: Error) => names.push(name);
  process.on('warning', note);
  onTestFinished(() => {
    process.off('warning', note);
  });
  return names;
}

describe('listening to a signal', () => {
  test('all streams of a signal end, also when its reason cannot be made a text', async () => {
    for (const reason of [Symbol('enough'), Object.create(null)]) {
      const root = temporaryVolume();
      writeLog(root, linesOf(sampleEvents(1)));
      const controller = new AbortController();
      const { signal } = controller;
      const decoders = [eventDecoder({ signal }), eventDecoder({ signal })];
      const causes = decoders.map(decoder => new Promise(resolve => decoder.once('error', resolve)));
      const tail = EventLog.tail(root, RUN_ID, { signal, watch: false, pollInterval: 60_000 });
      const ended = tail.toArray().catch(error => error);
      await tail.caughtUp;
      controller.abort(reason);
      expect(await ended).toBe(reason);
      for (const cause of await Promise.all(causes))
        expect(cause).toMatchObject({ message: 'aborted', cause: reason });
    }
  });

  test('calls all who listen, the same function as often as it listens', () => {
    const { signal, abort } = controller();
    const told: string[] = [];
    const twice = () => told.push('twice');
    onAbort(signal, twice);
    onAbort(signal, () => told.push('once'));
    onAbort(signal, twice);
    abort();
    expect(told).toEqual(['twice', 'once', 'twice']);
  });

  test('calls nobody who has stopped, and stopping again stops nobody else', () => {
    const { signal, abort } = controller();
    const told: string[] = [];
    const stop = onAbort(signal, () => told.push('stopped'));
    onAbort(signal, () => told.push('listening'));
    stop();
    stop();
    abort();
    expect(told).toEqual(['listening']);
  });

  test('takes one listener of the signal for all, and gives it back with the last', () => {
    const { signal } = controller();
    const stops = Array.from({ length: 20 }, () => onAbort(signal, () => undefined));
    expect(listenersOn(signal)).toBe(1);
    for (const stop of stops) stop();
    expect(listenersOn(signal)).toBe(0);
    onAbort(signal, () => undefined);
    expect(listenersOn(signal)).toBe(1);
  });
});

test('fifty tails, readers and decoders share a signal without a warning, and leave nothing on it', async () => {
  const warned = warnings();
  const root = temporaryVolume();
  writeLog(root, linesOf(sampleEvents(3)));
  const { signal, abort } = controller();
  const tails = Array.from({ length: 50 }, () => EventLog.tail(root, RUN_ID, { signal }));
  const following = tails.map(tail => rejection(tail.toArray()));
  const readers = Array.from({ length: 50 }, () => EventLog.read(root, RUN_ID, { signal }).toArray());
  const decoders = Array.from({ length: 50 }, () => eventDecoder({ signal }));
  const failing = decoders.map(decoder => new Promise(resolve => decoder.once('error', resolve)));
  await Promise.all([...readers, ...tails.map(tail => tail.caughtUp)]);
  expect(listenersOn(signal)).toBe(1);
  abort();
  expect(new Set(await Promise.all([...following, ...failing]))).toEqual(new Set([signal.reason]));
  await new Promise(setImmediate); // streams close, and warnings come, a turn later
  expect(listenersOn(signal)).toBe(0);
  expect(warned).toEqual([]);
});

function controller(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error('enough')) };
}
