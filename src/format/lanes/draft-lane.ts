/**
 * The compiled lane of writing: code made of a schema that checks a draft, copies it and makes its text in one pass.
 *
 * Promise: what this lane takes, the strict checker takes with the same copy and the same text. Whatever it is in doubt about is no
 * error, but left to the strict checker, which decides and makes the error: fields that are not own, enumerable properties, texts
 * that are not well-formed, values of a wrong kind. A property test over random vocabularies holds the lanes together.
 */
import type { LogEvent, Shape } from '../schema.js';
import { type CopyDraft, draftCode } from './draft-code.js';
import { written } from './draft-values.js';

/** A draft that was copied: the event, but for id and time, and what follows these in its line. */
export interface CopiedDraft {
  readonly event: LogEvent;
  /** The start of the line, up to the id. */
  readonly head: string;
  readonly fields: string;
  /** The text of the fields may be more than ASCII. */
  readonly wide: boolean;
}

/** The compiled lane of one vocabulary; the code for a type is made for its first draft. */
export class DraftLane {
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #types = new Map<string, { readonly head: string; readonly copy: CopyDraft | undefined }>();

  constructor(draftShapes: ReadonlyMap<string, Shape>) {
    this.#shapes = draftShapes;
  }

  /** Copies a draft; undefined where the strict checker has to decide. */
  take(draft: unknown, runId: string): CopiedDraft | undefined {
    const type = typeof draft === 'object' && draft !== null && 'type' in draft ? draft.type : undefined;
    if (typeof type !== 'string') return undefined;
    const { head, copy } = this.#types.get(type) ?? this.#compile(type);
    const wasWide = written.wide; // a getter of a draft may append another one
    written.wide = false;
    const event = copy?.(draft, runId);
    const { text: fields, wide } = written;
    written.wide = wasWide || wide;
    return event && { event, head, fields, wide };
  }

  #compile(type: string): { head: string; copy: CopyDraft | undefined } {
    const shape = this.#shapes.get(type);
    const made = { head: headOf(type), copy: shape && draftCode(shape) };
    if (shape !== undefined) this.#types.set(type, made);
    return made;
  }
}

/** The start of a line, up to the id. */
export function headOf(type: string): string {
  return `{"type":"${type}","id":"`;
}
