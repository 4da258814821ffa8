/** How a status is shown: a glyph, a word and a class, never the colour alone. */
import type { NodeView, RunRow } from '../api.js';

/** What is shown of a status. */
export interface Mark {
  readonly glyph: string;
  readonly word: string;
  /** The class that gives the colour, and the name of the icon. */
  readonly kind: 'running' | 'completed' | 'failed' | 'orphan' | 'damaged';
}

const MARKS = {
  live: { glyph: '▸', word: 'live', kind: 'running' },
  running: { glyph: '▸', word: 'not ended', kind: 'running' },
  empty: { glyph: '▸', word: 'no event yet', kind: 'running' },
  orphan: { glyph: '◌', word: 'orphan', kind: 'orphan' },
  completed: { glyph: '✓', word: 'completed', kind: 'completed' },
  aborted: { glyph: '✗', word: 'aborted', kind: 'failed' },
  failed: { glyph: '✗', word: 'failed', kind: 'failed' },
  interrupted: { glyph: '◌', word: 'interrupted', kind: 'orphan' },
  damaged: { glyph: '!', word: 'damaged', kind: 'damaged' },
} as const satisfies Record<string, Mark>;

/** The mark of a run. */
export function runMark(run: RunRow): Mark {
  if (run.problem !== undefined) return MARKS.damaged;
  if (run.status !== 'running') return MARKS[run.status];
  if (run.orphan === true) return MARKS.orphan;
  return run.live === true ? MARKS.live : run.bytes === 0 ? MARKS.empty : MARKS.running;
}

/** The mark of a node. */
export function nodeMark(status: NodeView['status']): Mark {
  return status === 'running' ? { ...MARKS.running, word: 'running' } : MARKS[status];
}
