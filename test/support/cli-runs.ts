/** Runs written by hand, without a sync, for the tests of the command: one of every kind that people come across. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodeTime, monotonicFactory } from 'ulid';
import { decodeEvent, type EventDraft, encodeEvent } from '../../src/index.js';
import { writeLog } from './logs.js';

/** An event by the milliseconds since the start of its run. */
export type Step = readonly [at: number, draft: EventDraft];

/** A run in a volume. */
export interface WrittenRun {
  readonly runId: string;
  readonly path: string;
  readonly folder: string;
}

const ulidsOf = new Map<number, () => string>();

/** Greater than all before it of the same millisecond, as those of a volume are. */
function nextUlid(at: number): string {
  // Math.random: the package's own source asks the kernel for each character.
  const next = ulidsOf.get(at) ?? monotonicFactory(Math.random).bind(undefined, at);
  ulidsOf.set(at, next);
  return next();
}

/** Writes a run that began at `start`; `rest` is after the last event. */
export function writeRun(
  root: string,
  pipe: string,
  steps: readonly Step[],
  { start = Date.now() - 3_600_000, rest = '' }: { start?: number; rest?: string } = {},
): WrittenRun {
  const run_id = `${pipe}-${nextUlid(start).toLowerCase()}`;
  const time = encodeTime(start).toLowerCase();
  const lines = steps.map(([at, draft], index) => {
    const id = `${time}${String(index + 1).padStart(16, '0')}`;
    const common = { id, ts: new Date(start + at).toISOString(), run_id };
    return `${encodeEvent(decodeEvent(JSON.stringify({ ...draft, ...common })))}\n`;
  });
  const path = writeLog(root, lines.join('') + rest, run_id);
  return { runId: run_id, path, folder: dirname(path) };
}

/** Makes a log look as if nobody had written to it for ten minutes. */
export function abandon({ path }: WrittenRun): void {
  const before = new Date(Date.now() - 600_000);
  utimesSync(path, before, before);
}

/** Writes what a node printed. */
export function writeCapture({ folder }: WrittenRun, node: string, captured: string | Uint8Array): void {
  mkdirSync(join(folder, 'nodes'), { recursive: true });
  writeFileSync(join(folder, 'nodes', `${node}.out`), captured);
}

const ended = (node_id: string) =>
  ({ type: 'node.completed', node_id, output_path: `nodes/${node_id}.out` }) as const;

/** Four nodes: a retry, a loop with a gate, wide characters; the last one has not ended. */
export const UNFINISHED: readonly Step[] = [
  [
    0,
    {
      type: 'pipe.started',
      pipe: 'feature',
      inputs: [{ key: 'task', value: '修复登录' }],
      distro_version: '2.4.1',
    },
  ],
  [40, { type: 'node.started', node_id: 'plan', kind: 'prompt', model: 'sonnet' }],
  [48_000, ended('plan')],
  [
    48_100,
    { type: 'node.started', node_id: '実装する', kind: 'prompt', name: '🔐 build it', model: 'sonnet' },
  ],
  [61_000, { type: 'node.failed', node_id: '実装する', error: { kind: 'timeout' } }],
  [
    62_000,
    { type: 'node.started', node_id: '実装する', kind: 'prompt', name: '🔐 build it', model: 'sonnet' },
  ],
  [130_000, ended('実装する')],
  [130_100, { type: 'node.started', node_id: 'fix-loop', kind: 'loop' }],
  [130_200, { type: 'iteration.started', node_id: 'fix-loop', iteration: 1, byte_offset: 4 }],
  [171_000, { type: 'iteration.started', node_id: 'fix-loop', iteration: 2, byte_offset: 8 }],
  [
    224_000,
    { type: 'gate.passed', node_id: 'fix-loop', gate: 'tests', method: 'hook', stdout: '142 passed\n' },
  ],
  [224_500, ended('fix-loop')],
  [224_600, { type: 'node.started', node_id: 'publish', kind: 'command' }],
];

/** The same to its good end. */
export const COMPLETED: readonly Step[] = [
  ...UNFINISHED,
  [240_000, ended('publish')],
  [240_010, { type: 'pipe.completed' }],
];

/** The same to its bad end. */
export const ABORTED: readonly Step[] = [
  ...UNFINISHED,
  [
    240_000,
    {
      type: 'node.failed',
      node_id: 'publish',
      error: { kind: 'crash' },
      message: 'remote rejected\nexit 1\n',
    },
  ],
  [240_010, { type: 'pipe.aborted', reason: 'node publish failed' }],
];
