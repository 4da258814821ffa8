/**
 * The fast and the middle lane of one vocabulary: what its matchers share.
 *
 * Promise: nothing is compiled before a line asks for it.
 */
import type { Shape } from '../schema.js';
import { FlatLane } from './any-order.js';
import { Templates } from './canonical.js';

/** The lanes compiled from the shapes of a vocabulary. */
export class Lanes {
  readonly templates: Templates;
  readonly flat: FlatLane;

  constructor(shapes: ReadonlyMap<string, Shape>) {
    this.templates = new Templates(shapes);
    this.flat = new FlatLane(shapes);
  }
}
