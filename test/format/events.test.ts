/** The vocabulary: the types, their fields in wire order, and what ends a run. */
import { describe, expect, test } from 'vitest';
import { EVENT_TYPES, encodeEvent, isTerminal, omneEvents, type RunEvent } from '../../src/index.js';

const stamp = { id: 'i', ts: 't', run_id: 'r' };
const STAMP = '"id":"i","ts":"t","run_id":"r"';

/** Each type with all its fields, and the line that the reference serializer writes for it. */
const complete: [RunEvent, string][] = [
  [
    { type: 'pipe.started', ...stamp, pipe: 'p', inputs: [{ key: 'k', value: 'v' }], distro_version: 'd' },
    `{"type":"pipe.started",${STAMP},"pipe":"p","inputs":[{"key":"k","value":"v"}],"distro_version":"d"}`,
  ],
  [{ type: 'pipe.completed', ...stamp }, `{"type":"pipe.completed",${STAMP}}`],
  [{ type: 'pipe.aborted', ...stamp, reason: 'x' }, `{"type":"pipe.aborted",${STAMP},"reason":"x"}`],
  [
    { type: 'node.started', ...stamp, node_id: 'n', kind: 'command', name: 'a', model: 'm' },
    `{"type":"node.started",${STAMP},"node_id":"n","kind":"command","name":"a","model":"m"}`,
  ],
  [
    { type: 'node.completed', ...stamp, node_id: 'n', output_path: 'o' },
    `{"type":"node.completed",${STAMP},"node_id":"n","output_path":"o"}`,
  ],
  [
    { type: 'node.failed', ...stamp, node_id: 'n', error: { kind: 'host_missing' }, message: 'x' },
    `{"type":"node.failed",${STAMP},"node_id":"n","error":{"kind":"host_missing"},"message":"x"}`,
  ],
  [
    { type: 'gate.passed', ...stamp, node_id: 'n', gate: 'g', method: 'human_cli', stdout: 's' },
    `{"type":"gate.passed",${STAMP},"node_id":"n","gate":"g","method":"human_cli","stdout":"s"}`,
  ],
  [
    { type: 'iteration.started', ...stamp, node_id: 'n', iteration: 1, byte_offset: 2 },
    `{"type":"iteration.started",${STAMP},"node_id":"n","iteration":1,"byte_offset":2}`,
  ],
];

test.each(complete)('%o is on the wire in the order of the reference', (event, line) => {
  expect(encodeEvent(event)).toBe(line);
});

test('the event types are those above, in that order, and cannot be changed', () => {
  expect(EVENT_TYPES).toEqual(complete.map(([{ type }]) => type));
  expect(Object.isFrozen(EVENT_TYPES)).toBe(true);
  expect(omneEvents.types).toEqual(EVENT_TYPES);
  expect(Object.isFrozen(omneEvents.types)).toBe(true);
});

test('an event is terminal when it completes or aborts the pipe, and only then', () => {
  const terminal = complete.map(([event]) => event).filter(isTerminal);
  expect(terminal.map(({ type }) => type)).toEqual(['pipe.completed', 'pipe.aborted']);
});

describe('no name of Object.prototype is an event type', () => {
  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', '', 'Pipe.started'])('%j', name => {
    expect(omneEvents.types).not.toContain(name);
    expect(omneEvents.isTerminalType(name)).toBe(false);
    expect(omneEvents.shapes.get(name)).toBeUndefined();
  });
});
