/**
 * One run that somebody looks at: read once, followed once, however many look.
 *
 * Promises: what was sent last is kept for all, up to a bound, and holds no giants; whoever is further back reads the log itself. A run
 * that nobody looks at is let go after a while.
 */

import { EventLogError, type MalformedLineError } from '../errors.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { vocabularyText } from '../format/vocabulary-text.js';
import { monotonicMs, startTimer, stopTimer } from '../real-time.js';
import type { PlacedEvent, RunHead, RunRow } from './api.js';
import { OutputFollowers } from './output-followers.js';
import { placed } from './placed.js';
import { RunView } from './run-view.js';
import { Signal } from './signal.js';
import type { RunServerSource } from './source.js';

/** An event as it is sent. */
export interface Frame extends PlacedEvent {
  readonly number: number;
}

const KEPT_FRAMES = 512;
const LINGER_MS = 20_000;
const MOST_IDLE = 32;

/** A run that is followed. */
export class RunHub {
  /** Fires when there is something new. */
  readonly changed: Signal = new Signal();
  /** Resolves when the end of the log was reached once; rejects when the run cannot be read. */
  readonly ready: Promise<void>;
  /** The outputs of its nodes that somebody follows; `changed` fires for them too. */
  readonly outputs: OutputFollowers;
  readonly #source: RunServerSource;
  readonly #stop = new AbortController();
  #view: RunView;
  #row: RunRow | undefined;
  #head: { readonly count: number; readonly row: RunRow | undefined; readonly head: RunHead } | undefined;
  #frames: Frame[] = [];
  #live = false;
  #ended = false;
  #looking = false;
  #failure: unknown;

  constructor(source: RunServerSource, runId: string) {
    this.#source = source;
    this.#view = new RunView(runId);
    this.outputs = new OutputFollowers(
      nodeId => source.output(runId, nodeId),
      () => this.changed.fire(),
    );
    this.ready = new Promise((resolve, reject) => {
      void this.#follow(caughtUp => resolve(caughtUp.then(() => this.refresh()))).then(() =>
        reject(this.#failure),
      );
    });
    this.ready.catch(() => undefined); // reported to those who wait for it
  }

  /** What its events make of the run. */
  get view(): RunView {
    return this.#view;
  }

  /** The run has ended, and all its events are folded. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Why nothing more comes, where that is not the end of the run. */
  get failure(): unknown {
    return this.#failure;
  }

  /** The run without its nodes; the same object as long as nothing of it has changed. */
  get head(): RunHead {
    const known = this.#head;
    if (known?.count === this.view.count && known.row === this.#row) return known.head;
    const head = this.view.head(this.#row);
    const { count } = this.view;
    this.#head = { count, row: this.#row, head };
    return head;
  }

  /** Asks again whether a writer lives. */
  async refresh(): Promise<void> {
    const row = await this.#source.row(this.view.runId);
    const before = this.#row;
    if (before?.live === row?.live && before?.orphan === row?.orphan && before?.problem === row?.problem)
      return;
    this.#row = row;
    this.changed.fire();
  }

  /** The events after a number of them; undefined where they are not kept any more. */
  after(count: number): readonly Frame[] | undefined {
    if (count === this.view.count) return [];
    const first = this.#frames[0];
    return first !== undefined && count >= first.number
      ? this.#frames.slice(count - first.number)
      : undefined;
  }

  close(): void {
    this.#stop.abort();
  }

  /** Folds the run, and then what is appended to it; `started` is given when the present end is reached. Never rejects. */
  async #follow(started: (caughtUp: Promise<void>) => void): Promise<void> {
    try {
      const { runId } = this.view;
      const { signal } = this.#stop;
      const events = await this.#source.vocabulary(runId);
      this.#view = new RunView(runId, events);
      const onMalformed = (error: MalformedLineError) => {
        this.view.malformed(error);
        if (error.kind === 'type') void this.#lookForMore(events);
      };
      const tail = this.#source.tail(runId, { events, signal, onMalformed });
      const live = tail.caughtUp.then(() => {
        this.#live = true;
      });
      started(live);
      for await (const event of tail) {
        const { position } = tail;
        const number = this.view.count;
        const frame = { number, ...placed(event, position) };
        this.view.apply(frame.event, position);
        this.#frames.push(frame);
        if (this.#frames.length >= 2 * KEPT_FRAMES) this.#frames = this.#frames.slice(-KEPT_FRAMES);
        if (this.#live) this.changed.fireSoon();
      }
      await this.refresh();
      this.#ended = true;
    } catch (error) {
      this.#failure ??= error;
    }
    this.changed.fire();
  }

  /** A type that is not known may have been added to the vocabulary since: then the run is to be read again, from its start. */
  async #lookForMore(known: Vocabulary): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const now = await this.#source.vocabulary(this.view.runId).catch(() => known); // the tail reports what is wrong
    this.#looking = false;
    if (vocabularyText(now) === vocabularyText(known)) return;
    this.#failure = new EventLogError('ERR_LOG_REPLACED', 'event types were added to the run');
    this.#stop.abort();
  }
}

/** The runs that somebody looks at. */
export class RunHubs {
  readonly #source: RunServerSource;
  readonly #hubs = new Map<string, { readonly hub: RunHub; users: number; idleSince: number }>();
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined; // goes off when a run was idle for long enough

  constructor(source: RunServerSource) {
    this.#source = source;
  }

  /** Looks at a run for as long as `work` takes. */
  async using<Result>(runId: string, work: (hub: RunHub) => Promise<Result>): Promise<Result> {
    const entry = this.#entry(runId);
    entry.users++;
    try {
      await entry.hub.ready;
      return await work(entry.hub);
    } finally {
      entry.users--;
      entry.idleSince = monotonicMs();
      this.#letGo();
    }
  }

  /** The row of a run in the list has changed. */
  rowChanged(runId: string): void {
    void this.#hubs
      .get(runId)
      ?.hub.refresh()
      .catch(() => undefined); // the run itself says what is wrong with it
  }

  close(): void {
    this.#stop.abort();
    stopTimer(this.#timer);
    for (const { hub } of this.#hubs.values()) hub.close();
    this.#hubs.clear();
  }

  #entry(runId: string): { readonly hub: RunHub; users: number; idleSince: number } {
    const known = this.#hubs.get(runId);
    if (known !== undefined && known.hub.failure === undefined) return known;
    if (this.#stop.signal.aborted) throw new EventLogError('ERR_LOG_CLOSED', 'the server is closed');
    const entry = { hub: new RunHub(this.#source, runId), users: 0, idleSince: 0 };
    this.#hubs.set(runId, entry);
    return entry;
  }

  #letGo(): void {
    this.#drop(MOST_IDLE, 0);
    if (this.#timer !== undefined || this.#stop.signal.aborted) return;
    this.#timer = startTimer(() => {
      this.#timer = undefined;
      this.#drop(0, LINGER_MS);
      if ([...this.#hubs.values()].some(({ users }) => users === 0)) this.#letGo();
    }, LINGER_MS).unref();
  }

  /** Closes the runs that nobody looks at, those idle longest first, but for so many, and not those idle for less. */
  #drop(keep: number, idleMs: number): void {
    const idle = [...this.#hubs].filter(([, { users }]) => users === 0);
    idle.sort(([, a], [, b]) => a.idleSince - b.idleSince);
    const before = monotonicMs() - idleMs;
    for (const [runId, { hub, idleSince }] of idle.slice(0, Math.max(0, idle.length - keep))) {
      if (idleSince > before) continue;
      hub.close();
      this.#hubs.delete(runId);
    }
  }
}
