/** Logs written by hand, without the writer, so that the tests of the reading side stand on their own. */
import { fstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { EVENT_TYPES, type RunEvent } from '../../src/format/events.js';
import type { ReadOptions } from '../../src/read/event-filter.js';
import { EventReader } from '../../src/read/event-reader.js';
import { placesOf } from '../../src/volume/places.js';

/** The run of the reference log; sample events belong to it too. */
export const RUN_ID = 'feature-01kp8g6dg0zg6axb6gqz17wf7m';

/** A log of 1000 events written by the Rust program. */
export const REFERENCE: Buffer = readFileSync(
  new URL('../../fixtures/reference-1000.jsonl', import.meta.url),
);

/** One line of the conformance file. */
export interface ConformanceCase {
  readonly name: string;
  readonly expect: 'accept' | 'reject' | 'either';
  readonly line: Buffer;
}

/** Every line of the conformance file. */
export function conformanceCases(): ConformanceCase[] {
  const text = readFileSync(new URL('../../fixtures/conformance.jsonl', import.meta.url), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map(row => {
      const stored: { name: string; expect: ConformanceCase['expect']; line_b64: string } = JSON.parse(row);
      return { name: stored.name, expect: stored.expect, line: Buffer.from(stored.line_b64, 'base64') };
    });
}

/** Where the log of a run is. */
export function logPath(root: string, runId: string = RUN_ID): string {
  return join(root, '.omne', 'var', 'runs', runId, 'events.jsonl');
}

/** Makes the folders of a run and its log; returns the path of the log. */
export function writeLog(root: string, content: string | Uint8Array, runId: string = RUN_ID): string {
  const path = logPath(root, runId);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** An event as it is in memory and, through `JSON.stringify`, on the wire; ids rise with the index. */
export function sampleEvent(index: number): RunEvent {
  const common = {
    id: `01kp8g6dg0${String(index).padStart(16, '0')}`,
    ts: new Date(Date.UTC(2026, 3, 15) + index).toISOString(),
    run_id: RUN_ID,
  };
  const node_id = `node-${index % 3}`;
  switch (index % 5) {
    case 0:
      return { type: 'node.started', ...common, node_id, kind: 'bash', name: `шаг ${index} 🔐` };
    case 1:
      return { type: 'iteration.started', ...common, node_id, iteration: index, byte_offset: 1000 * index };
    case 2:
      return { type: 'gate.passed', ...common, node_id, gate: 'tests', method: 'hook', stdout: 'ok\n' };
    case 3:
      return { type: 'pipe.aborted', ...common, reason: `"${index}" gave up` };
    default:
      return { type: 'node.completed', ...common, node_id, output_path: `nodes/${node_id}.out` };
  }
}

/** The first `count` sample events. */
export function sampleEvents(count: number): RunEvent[] {
  return Array.from({ length: count }, (_, index) => sampleEvent(index));
}

/** The line of an event, newline included. */
export function lineOf(event: RunEvent): string {
  return `${JSON.stringify(event)}\n`;
}

/** The lines of events as they are in a log. */
export function linesOf(events: readonly RunEvent[]): string {
  return events.map(lineOf).join('');
}

/** Gathers what an iterable gives. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of iterable) all.push(item);
  return all;
}

/** What a promise rejects with; an error when it does not. */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('expected a rejection');
    },
    (reason: unknown) => reason,
  );
}

/** How many descriptors this process holds on a file. */
export function openDescriptors(path: string): number {
  const { ino, dev } = statSync(path);
  return readdirSync('/dev/fd').filter(name => {
    try {
      const held = fstatSync(Number(name));
      return held.ino === ino && held.dev === dev;
    } catch {
      return false; // the descriptor that listed the folder is closed by now
    }
  }).length;
}

/** A reader of the sample run of a volume. */
export function readerOf(root: string, options?: ReadOptions): EventReader {
  return new EventReader(placesOf(root, RUN_ID), options);
}

/** What the options mean, one step after the other, over all events of a log. */
export function expectedEvents(content: readonly RunEvent[], given: ReadOptions): RunEvent[] {
  const { from = 0, after, types, nodeId, limit, last } = given;
  let at = 0;
  let events = content.filter(event => {
    const start = at;
    at += Buffer.byteLength(lineOf(event));
    return start >= from;
  });
  if (after !== undefined) {
    const passed = content.slice(0, content.length - events.length).some(({ id }) => id === after);
    const exact = events.findLastIndex(({ id }) => id === after);
    const greater = events.findIndex(({ id }) => id > after);
    const behind = exact >= 0 ? exact + 1 : passed ? 0 : greater;
    events = behind < 0 ? [] : events.slice(behind);
  }
  if (types !== undefined) events = events.filter(event => types.includes(event.type));
  if (nodeId !== undefined) events = events.filter(event => 'node_id' in event && event.node_id === nodeId);
  if (last !== undefined) events = events.slice(Math.max(0, events.length - last));
  return events.slice(0, limit);
}

/** Random filters, in any combination. */
export const someFilter: fc.Arbitrary<ReadOptions> = fc.record<ReadOptions>(
  { types: fc.subarray([...EVENT_TYPES]), nodeId: fc.constantFrom('node-0', 'node-1', 'node-9') },
  { requiredKeys: [] },
);

/** Bytes that this process has read so far, where the system counts them. */
export function bytesRead(): number {
  if (process.platform !== 'linux') return 0;
  return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}
