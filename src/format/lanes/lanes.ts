/**
 * The fast and the middle lane of one vocabulary: what its matchers share.
 *
 * Promise: nothing is compiled before a line asks for it.
 */
import type { EventSchema } from '../events.js';
import { FlatLane } from './any-order.js';
import { Templates } from './canonical.js';

/** The lanes compiled from a schema. */
export class Lanes {
  readonly #schema: EventSchema;
  readonly templates: Templates;
  #flat: FlatLane | undefined;

  constructor(schema: EventSchema) {
    this.#schema = schema;
    this.templates = new Templates(schema);
  }

  /** The middle lane: few logs need it. */
  get flat(): FlatLane {
    return (this.#flat ??= new FlatLane(this.#schema));
  }
}
