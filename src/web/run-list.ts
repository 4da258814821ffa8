/**
 * The list of runs, in memory, with what changed since when: what the first page asks for and its stream goes on with.
 *
 * Promise: memory grows with the runs there are; those that are gone are remembered up to a bound, and a cursor from before that
 * is refused.
 */
import { randomBytes } from 'node:crypto';
import { nowMs } from '../real-time.js';
import { shortText } from '../run/shortened.js';
import { compareRunIds } from '../volume/run-id.js';
import type { RunRow, RunsAnswer, SourceFacts } from './api.js';
import { formatListCursor, parseListCursor } from './cursors.js';
import { Signal } from './signal.js';
import type { RowListener } from './source-rows.js';

/** Which runs. */
export interface RowFilter {
  readonly pipe?: string | undefined;
  readonly status?: string | undefined;
  readonly text?: string | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
}

/** What has changed. */
export interface RowChanges {
  readonly runs: readonly RunRow[];
  readonly removed: readonly string[];
  readonly cursor: string;
}

const MOST_REMOVED = 10_000;
const ROWS_A_MESSAGE = 500;

interface Entry {
  readonly row: RunRow;
  readonly version: number;
}

/** The list. */
export class RunList implements RowListener {
  /** Fires when a row has changed. */
  readonly changes: Signal = new Signal();
  readonly #facts: SourceFacts;
  readonly #rowChanged: (runId: string) => void;
  readonly #epoch = randomBytes(6).toString('hex');
  readonly #rows = new Map<string, Entry>(); // in the order of their versions
  readonly #removed = new Map<string, number>();
  #sorted: readonly RunRow[] | undefined;
  #version = 0;
  #forgotten = 0;
  #begunAt = 0;
  #failure: unknown;
  readonly #ready: Promise<void>;
  #listed: () => void = () => undefined;

  constructor(facts: SourceFacts, rowChanged: (runId: string) => void) {
    this.#facts = facts;
    this.#rowChanged = rowChanged;
    this.#ready = new Promise(resolve => {
      this.#listed = resolve;
    });
  }

  changed(row: RunRow): void {
    this.#rows.delete(row.runId); // so that it goes to the end
    this.#rows.set(row.runId, { row: shortRow(row), version: ++this.#version });
    this.#removed.delete(row.runId);
    this.#sorted = undefined;
    this.#rowChanged(row.runId);
    this.changes.fireSoon();
  }

  removed(runId: string): void {
    if (!this.#rows.delete(runId)) return;
    this.#removed.set(runId, ++this.#version);
    this.#sorted = undefined;
    for (const [oldest, version] of this.#removed) {
      if (this.#removed.size <= MOST_REMOVED) break;
      this.#removed.delete(oldest);
      this.#forgotten = version;
    }
    this.#rowChanged(runId);
    this.changes.fireSoon();
  }

  /** A listing of all runs begins. */
  begin(): void {
    this.#begunAt = this.#version;
  }

  listed(): void {
    for (const [runId, { version }] of this.#rows) if (version <= this.#begunAt) this.removed(runId);
    this.#failure = undefined;
    this.#listed();
  }

  /** The runs cannot be listed: until they can, requests are answered with the reason. */
  failed(error: unknown): void {
    this.#failure = error;
    this.#listed();
  }

  /** Resolves when all runs that were there at first are known. */
  async ready(): Promise<void> {
    await this.#ready;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The row of a run, where it is known. */
  row(runId: string): RunRow | undefined {
    return this.#rows.get(runId)?.row;
  }

  /** A page of the list. */
  page({ pipe, status, text, before, limit }: RowFilter): RunsAnswer {
    const all = (this.#sorted ??= Array.from(this.#rows.values(), ({ row }) => row).sort((a, b) =>
      compareRunIds(b.runId, a.runId),
    ));
    const sought = text?.toLowerCase();
    const matches = all.filter(
      row =>
        (pipe === undefined || row.pipe === pipe) &&
        (status === undefined || row.status === status) &&
        (sought === undefined || textOf(row).includes(sought)),
    );
    const start =
      before === undefined ? 0 : matches.findIndex(({ runId }) => compareRunIds(runId, before) < 0);
    const runs = start === -1 ? [] : matches.slice(start, start + limit);
    const last = runs.at(-1);
    const more = last !== undefined && last !== matches.at(-1);
    return {
      source: this.#facts,
      runs,
      total: matches.length,
      ...(more ? { before: last.runId } : {}),
      pipes: [...new Set(all.map(row => row.pipe))].sort(),
      cursor: this.cursor,
      now: nowMs(),
    };
  }

  /** Where the list is now. */
  get cursor(): string {
    return formatListCursor({ epoch: this.#epoch, version: this.#version });
  }

  /** What changed since a cursor, a part of it where it is much; undefined where the cursor does not fit. */
  since(cursor: string): RowChanges | undefined {
    const { epoch, version: after } = parseListCursor(cursor) ?? { epoch: '', version: 0 };
    if (epoch !== this.#epoch || after > this.#version || after < this.#forgotten) return undefined;
    const changes: (readonly [version: number, row: RunRow | undefined, runId: string])[] = [];
    for (const [runId, { row, version }] of this.#rows)
      if (version > after) changes.push([version, row, runId]);
    for (const [runId, version] of this.#removed)
      if (version > after) changes.push([version, undefined, runId]);
    changes.sort(([a], [b]) => a - b);
    const part = changes.slice(0, ROWS_A_MESSAGE);
    const version = changes.length > part.length ? (part.at(-1)?.[0] ?? after) : this.#version;
    return {
      runs: part.flatMap(([, row]) => (row === undefined ? [] : [row])),
      removed: part.flatMap(([, row, runId]) => (row === undefined ? [runId] : [])),
      cursor: formatListCursor({ epoch: this.#epoch, version }),
    };
  }
}

function textOf({ runId, reason = '', problem = '' }: RunRow): string {
  return `${runId}\n${reason}\n${problem}`.toLowerCase();
}

/** The row with a reason that a list can hold; a copy, since texts that are parts of a long line keep it in memory. */
function shortRow(row: RunRow): RunRow {
  const reason = shortText(row.reason ?? '');
  return row.reason === undefined || row.reason === reason ? row : structuredClone({ ...row, reason });
}
