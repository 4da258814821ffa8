/**
 * Sequences that no executor means, though each of their events is legal: what `verifyRun` warns of.
 *
 * Promise: memory is bounded: what is kept are the nodes that are running and those that have started, of both no more than a fixed
 * number.
 */
import type { RunEvent } from '../format/events.js';
import { isFileName, shown } from '../volume/places.js';
import { parseRunId } from '../volume/run-id.js';

/** What a warning is about, for programs. */
export type WarningKind =
  | 'node-id-no-file-name'
  | 'pipe-started-twice'
  | 'other-pipe'
  | 'end-without-start'
  | 'gate-without-start'
  | 'iteration-without-start'
  | 'completed-while-running';

/** A warning without its place in the log. */
export interface SequenceWarning {
  readonly kind: WarningKind;
  readonly message: string;
}

/** With more nodes than this running, or started, what is said of such nodes would take too much memory to know. */
const MOST_NODES = 10_000;
const SHOWN_NODES = 5;

/** Holds the events of one run, in the order of the log, against what executors do. */
export class SequenceCheck {
  readonly #pipe: string;
  readonly #running = new Set<string>();
  readonly #started = new Set<string>();
  #begun = false;
  #tooMany = false;

  constructor(runId: string) {
    this.#pipe = parseRunId(runId).pipe;
  }

  /** What is odd about the next event; nothing mostly. */
  *warningsOf(event: RunEvent): Iterable<SequenceWarning> {
    if ('node_id' in event && typeof event.node_id === 'string' && !isFileName(event.node_id)) {
      const message = `node id ${shown(event.node_id)} cannot be a file name, so the node has no capture file`;
      yield { kind: 'node-id-no-file-name', message };
    }
    switch (event.type) {
      case 'pipe.started':
        yield* this.#pipeStarted(event.pipe);
        break;
      case 'node.started':
        if (this.#running.size < MOST_NODES) this.#running.add(event.node_id);
        else this.#tooMany = true;
        if (this.#started.size < MOST_NODES) this.#started.add(event.node_id);
        break;
      case 'node.completed':
      case 'node.failed':
        if (this.#running.delete(event.node_id) || this.#tooMany) break;
        yield {
          kind: 'end-without-start',
          message: `${event.type} of ${event.node_id}, which is not running`,
        };
        break;
      case 'gate.passed':
        if (this.#hasStarted(event.node_id)) break;
        yield {
          kind: 'gate-without-start',
          message: `${event.node_id}, which has not started, passed gate ${event.gate}`,
        };
        break;
      case 'iteration.started':
        if (this.#hasStarted(event.node_id)) break;
        yield {
          kind: 'iteration-without-start',
          message: `iteration ${event.iteration} of ${event.node_id}, which has not started`,
        };
        break;
      case 'pipe.completed':
        if (this.#running.size === 0) break;
        yield { kind: 'completed-while-running', message: `the pipe completed while ${this.#names()} ran` };
        break;
    }
  }

  /** Whether a node has started, or cannot be known not to have. */
  #hasStarted(nodeId: string): boolean {
    return this.#started.has(nodeId) || this.#started.size === MOST_NODES;
  }

  *#pipeStarted(pipe: string): Iterable<SequenceWarning> {
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
