/**
 * One run, as the server has it: loaded as a whole, then kept up to date by its messages.
 *
 * Promise: every event is counted once, and output written while the page looks at it arrives in order; what the server
 * can no longer continue is loaded again.
 */
import { signal } from '@preact/signals-core';
import type { NodeView, PlacedEvent, RunHead, SourceFacts, StreamMessages } from '../api.js';
import { ApiError, getRun } from './api-client.js';
import { LiveStream } from './live-stream.js';
import { messageOf } from './text.js';
import { setClock } from './time.js';

const HIDDEN_LOOK_MS = 60_000;

/** Called with the output of the node that is followed. */
export type OutputListener = (output: StreamMessages['output']) => void;

/** The model of the run shown. */
export class RunModel {
  readonly runId: string;
  /** Undefined until it is loaded. */
  readonly run = signal<RunHead | undefined>(undefined);
  /** In the order of their first appearance. */
  readonly nodes = signal<readonly NodeView[]>([]);
  /** Why the run cannot be shown; undefined where it can. */
  readonly failure = signal<string | undefined>(undefined);
  readonly source = signal<SourceFacts | undefined>(undefined);
  /** The event that came last while the page looked. */
  readonly latest = signal<PlacedEvent | undefined>(undefined);
  /** Grows whenever all was loaded again: what hangs on positions in the log or an output must be, too. */
  readonly loads = signal(0);
  readonly #ending = new AbortController();
  #stream: LiveStream | undefined;
  #cursor: string | undefined;
  #follows:
    | { readonly node: string; readonly cursor: string | undefined; readonly onOutput: OutputListener }
    | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #hiddenLook: ReturnType<typeof setInterval> | undefined;

  constructor(runId: string) {
    this.runId = runId;
    void this.#load();
    this.#hiddenLook = setInterval(() => void this.#lookWhileHidden(), HIDDEN_LOOK_MS);
  }

  close(): void {
    this.#ending.abort();
    clearTimeout(this.#retry);
    clearInterval(this.#hiddenLook);
    this.#stream?.close();
  }

  /** Has the output of a node come, from a cursor on; one node at a time. Returns what ends it. */
  followOutput(node: string, cursor: string | undefined, onOutput: OutputListener): () => void {
    const mine = { node, cursor, onOutput };
    this.#follows = mine;
    this.#openStream();
    return () => {
      if (this.#follows !== mine) return;
      this.#follows = undefined;
      this.#openStream();
    };
  }

  async #load(): Promise<void> {
    try {
      const { run, nodes, source, cursor } = await getRun(this.runId, this.#ending.signal);
      this.source.value = source;
      this.nodes.value = nodes;
      this.run.value = run;
      this.failure.value = undefined;
      this.#cursor = cursor;
      this.loads.value++;
      this.#openStream();
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      this.failure.value = messageOf(error);
      const final = error instanceof ApiError && error.status < 500 && error.status !== 404;
      if (!final) this.#retry = setTimeout(() => void this.#load(), 2000);
    }
  }

  #openStream(): void {
    this.#stream?.close();
    if (this.#cursor === undefined || this.#ending.signal.aborted) return;
    const { node, cursor: output } = this.#follows ?? {};
    this.#stream = new LiveStream(
      { run: this.runId, after: this.#cursor, node, output },
      {
        event: event => {
          this.latest.value = event;
        },
        state: message => this.#take(message),
        output: message => this.#follows?.onOutput(message),
        reset: () => void this.#load(),
      },
    );
  }

  #take({ run, nodes, whole, now }: StreamMessages['state']): void {
    setClock(now);
    const known = whole ? [] : [...this.nodes.value];
    for (const node of nodes) known[node.index] = node;
    this.nodes.value = known;
    this.run.value = run;
  }

  /** A hidden tab has no stream, and its title and icon say how the run does all the same. */
  async #lookWhileHidden(): Promise<void> {
    const known = this.run.value;
    if (!document.hidden || known === undefined || known.status !== 'running') return;
    const answer = await getRun(this.runId, this.#ending.signal, { nodes: 0 }).catch(() => undefined);
    if (answer !== undefined && document.hidden) this.run.value = answer.run;
  }
}
