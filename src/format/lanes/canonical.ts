/**
 * The schema, compiled: for each event type a function that recognises its canonical line, and one that makes the event.
 *
 * The text of the functions comes from the shapes and nothing else. Where the process forbids making code from text there are no
 * templates: the strict lane does all the work. It also has the types with more values than there are slots.
 *
 * Promise: `match` takes no line but one that the strict lane takes as an event of the type, and `make` gives that event.
 */

import type { LogEvent, Shape } from '../schema.js';
import { compiled, type Make, makeCode, type Part } from './event-code.js';
import type { Captures } from './line-values.js';
import { MatchCode, OPENING, partsWithinSlots } from './match-code.js';
import { positionAt } from './special-bytes.js';

/** How the lines of one event type are recognised, and made into events. */
export interface Template {
  readonly type: string;
  /** Whether the line that was matched last may be of the node whose id, with a quote after it, is given. */
  readonly mayBeOfNode: (captures: Captures, idAndQuote: Uint8Array) => boolean;
  /** Takes the values of the line that `captures` has begun; returns the position after it, or -1 when it is not canonical. */
  readonly match: (view: DataView, start: number, captures: Captures) => number;
  /** Makes the event of the line that was matched last. */
  readonly make: Make<LogEvent>;
}

const NONE: readonly Template[] = [];
/** `{"type":` as a number, which is a quote before what follows. */
const OPENING_NUMBER = Buffer.from(OPENING).readDoubleLE(0);
const TYPE_AT = OPENING.length;
/** The special bytes before the type: three quotes. The next one ends it. */
const QUOTES_BEFORE = 3;

/** The templates of one vocabulary, each compiled when a line is met that may be of its type. */
export class Templates {
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #buckets: (readonly Template[] | undefined)[] = [];
  readonly #distinctAt: number;

  constructor(shapes: ReadonlyMap<string, Shape>) {
    this.#shapes = shapes;
    this.#distinctAt = mostDistinct([...shapes.keys()]);
  }

  /** The templates of the types whose line may start like the one at `start`, which `captures` has begun. */
  startingLike({ view, entry }: Captures, start: number): readonly Template[] {
    if (view.getFloat64(start, true) !== OPENING_NUMBER) return NONE;
    const length = positionAt(entry + 2 * QUOTES_BEFORE) - start - TYPE_AT;
    if (length <= 0) return NONE;
    const distinct = Math.min(this.#distinctAt, length - 1);
    const bucket = bucketOf(
      length,
      view.getUint8(start + TYPE_AT + distinct),
      view.getUint8(start + TYPE_AT + length - 1),
    );
    return this.#buckets[bucket] ?? this.#fill(bucket);
  }

  #fill(bucket: number): readonly Template[] {
    const templates: Template[] = [];
    for (const [type, shape] of this.#shapes) {
      if (bucketOfType(type, this.#distinctAt) !== bucket) continue;
      const template = templateOf(type, shape);
      if (template !== undefined) templates.push(template);
    }
    this.#buckets[bucket] = templates;
    return templates;
  }
}

function bucketOf(length: number, distinct: number, last: number): number {
  return (length * 37 + distinct * 8 + last) & 0x3ff;
}

function bucketOfType(type: string, distinctAt: number): number {
  const distinct = Math.min(distinctAt, type.length - 1);
  return bucketOf(type.length, type.charCodeAt(distinct), type.charCodeAt(type.length - 1));
}

/** The place in a type whose character, with the length and the last one, differs in most types. */
function mostDistinct(types: readonly string[]): number {
  const longest = Math.max(1, ...types.map(type => type.length));
  const apart = (at: number) => new Set(types.map(type => bucketOfType(type, at))).size;
  const places = Array.from({ length: longest }, (_, at) => at);
  return places.reduce((best, at) => (apart(at) > apart(best) ? at : best), 0);
}

function templateOf(type: string, shape: Shape): Template | undefined {
  const parts = partsWithinSlots(shape.fields);
  if (parts === undefined) return undefined;
  const match = new MatchCode(type, parts);
  const code = `{
    type: ${JSON.stringify(type)},
    mayBeOfNode: (captures, idAndQuote) => ${mayBeOfNodeCode(parts)},
    match: ${match},
    make: ${makeCode(type, parts)},
  }`;
  return compiled<Template>(code, match.whole);
}

/** The code of `mayBeOfNode`: only texts can be compared without being made. */
function mayBeOfNodeCode(parts: readonly Part[]): string {
  const part = parts.find(({ field }) => field.name === 'node_id');
  if (part?.field.spec.type !== 'string') return `${part !== undefined}`;
  const holds = `captures.mayHold(${part.slot}, idAndQuote)`;
  const { presence } = part.field.spec;
  if (presence === 'defaulted') return `(captures.found & ${1 << part.slot}) === 0 || ${holds}`;
  return presence === undefined ? holds : `(captures.found & ${1 << part.slot}) !== 0 && ${holds}`;
}
