// Lines written byte by byte, past the library: what a slow or dying writer leaves in the file meanwhile.
import { writeSync } from 'node:fs';
import { monotonicFactory } from 'ulid';
import { encodeEvent } from '../../../dist/index.js';

const nextUlid = monotonicFactory();
const clock = new Int32Array(new SharedArrayBuffer(4));

/** A line as the library writes it, with characters of two, three and four bytes. */
export function lineOf(runId, name, number) {
  const id = nextUlid().toLowerCase();
  const common = { id, ts: new Date().toISOString(), run_id: runId };
  const gate = { node_id: name, gate: String(number), method: 'hook', stdout: 'né 日本 🎉' };
  return `${encodeEvent({ type: 'gate.passed', ...common, ...gate })}\n`;
}

/** Writes a line byte by byte; with a pause, is still for so long inside each character of several bytes. */
export function dribble(fd, line, pauseMs = 0) {
  for (const byte of Buffer.from(line)) {
    writeSync(fd, Buffer.of(byte));
    if (pauseMs > 0 && byte >= 0x80) Atomics.wait(clock, 0, 0, pauseMs);
  }
}
