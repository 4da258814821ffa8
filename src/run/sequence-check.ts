/**
 * Sequences that no executor means, though each of their events is legal: what `verifyRun` warns of.
 *
 * Promise: memory is bounded: what is kept are the nodes that are running, and of those no more than a fixed number.
 */
import type { RunEvent } from '../format/events.js';
import { isFileName } from '../volume/places.js';
import { parseRunId } from '../volume/run-id.js';

/** What a warning is about, for programs. */
export type WarningKind =
  | 'node-id-no-file-name'
  | 'pipe-started-twice'
  | 'other-pipe'
  | 'end-without-start'
  | 'completed-while-running';

/** A warning without its place in the log. */
export interface SequenceWarning {
  readonly kind: WarningKind;
  readonly message: string;
}

/** With more nodes running than this, what is said of running nodes would take too much memory to know. */
const MOST_RUNNING = 10_000;
const SHOWN_NODES = 5;

/** Holds the events of one run, in the order of the log, against what executors do. */
export class SequenceCheck {
  readonly #pipe: string;
  readonly #running = new Set<string>();
  #begun = false;
  #tooMany = false;

  constructor(runId: string) {
    this.#pipe = parseRunId(runId).pipe;
  }

  /** What is odd about the next event; nothing mostly. */
  *warningsOf(event: RunEvent): Iterable<SequenceWarning> {
    if ('node_id' in event && typeof event.node_id === 'string' && !isFileName(event.node_id)) {
      const message = `node id ${JSON.stringify(event.node_id)} is no file name, so the node has no capture file`;
      yield { kind: 'node-id-no-file-name', message };
    }
    switch (event.type) {
      case 'pipe.started':
        yield* this.#started(event.pipe);
        break;
      case 'node.started':
        if (this.#running.size < MOST_RUNNING) this.#running.add(event.node_id);
        else this.#tooMany = true;
        break;
      case 'node.completed':
      case 'node.failed':
        if (this.#running.delete(event.node_id) || this.#tooMany) break;
        yield {
          kind: 'end-without-start',
          message: `${event.type} of ${event.node_id}, which is not running`,
        };
        break;
      case 'pipe.completed':
        if (this.#running.size === 0) break;
        yield { kind: 'completed-while-running', message: `the pipe completed while ${this.#names()} ran` };
        break;
    }
  }

  *#started(pipe: string): Iterable<SequenceWarning> {
    if (this.#begun) yield { kind: 'pipe-started-twice', message: 'the pipe started before' };
    this.#begun = true;
    if (pipe === this.#pipe) return;
    yield { kind: 'other-pipe', message: `the pipe is ${pipe}, the run is one of ${this.#pipe}` };
  }

  #names(): string {
    const names = [...this.#running].slice(0, SHOWN_NODES).join(', ');
    const others = this.#running.size - SHOWN_NODES;
    return others > 0 ? `${names} and ${others} more` : names;
  }
}
