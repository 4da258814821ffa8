/** The marks by which a status is seen at a glance: a glyph of one column and a colour, never the colour alone. */
import type { NodeState, RunSummary } from '../../index.js';
import type { Colour } from './terminal.js';

/** A glyph and its colour. */
export interface Mark {
  readonly glyph: string;
  readonly colour: Colour;
}

/** The mark of a run or a node with this status. */
export const MARKS: Readonly<Record<NodeState['status'] | RunSummary['status'], Mark>> = {
  running: { glyph: '▸', colour: 'blue' },
  completed: { glyph: '✓', colour: 'green' },
  failed: { glyph: '✗', colour: 'red' },
  interrupted: { glyph: '◦', colour: 'yellow' },
  aborted: { glyph: '✗', colour: 'red' },
};

/** The mark of a log that is damaged. */
export const DAMAGED: Mark = { glyph: '!', colour: 'yellow' };

/** What every view says of a run that has begun no more than its log. */
export const NO_EVENT = 'no event yet';
