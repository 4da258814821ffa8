/**
 * Finding a text in an output: the server searches the whole file, so the counts are exact, whatever is drawn.
 *
 * Promise: the last thing typed wins; searches before it are given up.
 */
import { signal } from '@preact/signals-core';
import type { SearchAnswer } from '../api.js';
import { searchOutput } from './api-client.js';

const TYPING_MS = 200;
/** So many matching lines can be gone through; all of them are counted. */
const MOST_HITS = 5000;

/** What was found, and the place of the hit that is looked at. */
export interface Found {
  readonly answer: SearchAnswer;
  readonly current: number;
}

/** A search in one output. */
export class OutputSearch {
  /** Undefined as long as nothing is searched for. */
  readonly found = signal<Found | undefined>(undefined);
  readonly busy = signal(false);
  readonly #where: readonly [runId: string, node: string, iteration: number | undefined];
  #query = '';
  #ending = new AbortController();

  constructor(...where: readonly [runId: string, node: string, iteration: number | undefined]) {
    this.#where = where;
  }

  get query(): string {
    return this.#query;
  }

  /** Searches for a text; an empty one ends the search. */
  async search(query: string): Promise<void> {
    this.close();
    this.#query = query;
    this.found.value = undefined;
    const { signal: stop } = (this.#ending = new AbortController());
    this.busy.value = query !== '';
    if (query === '') return;
    await new Promise(done => setTimeout(done, TYPING_MS));
    if (stop.aborted) return;
    const [runId, node, iteration] = this.#where;
    try {
      const answer = await searchOutput(runId, node, { q: query, iteration, limit: MOST_HITS }, stop);
      this.found.value = { answer, current: 0 };
    } catch {
      // Given up for another search, or the output is gone: its view says so.
    }
    if (!stop.aborted) this.busy.value = false;
  }

  /** Goes to the next hit, or to the one before. */
  step(by: 1 | -1): void {
    const found = this.found.value;
    if (found === undefined) return;
    const hits = Math.max(1, found.answer.hits.length);
    this.found.value = { ...found, current: (found.current + by + hits) % hits };
  }

  close(): void {
    this.#ending.abort();
  }
}

/** The line of the hit looked at; undefined where there is none. */
export function currentLine({ answer, current }: Found): number | undefined {
  return answer.hits[current]?.line;
}
