/** Writers that append to a run each, at their own pace, until they are told to finish. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EventLog } from '../../../src/index.js';
import { appendSome } from './writing.js';

export class Writers {
  readonly runIds: string[] = [];
  readonly #work: Promise<void>[] = [];
  readonly #pauseMs: number;
  #going = true;

  private constructor(pauseMs: number) {
    this.#pauseMs = pauseMs;
  }

  /** Starts so many writers, each of which pauses for up to `pauseMs` now and then. */
  static async start(root: string, count: number, pauseMs = 20): Promise<Writers> {
    const writers = new Writers(pauseMs);
    for (let writer = 0; writer < count; writer++) {
      const log = await EventLog.create(root, 'feature');
      writers.runIds.push(log.runId);
      writers.#work.push(writers.#write(log));
    }
    return writers;
  }

  /** Ends every run with its terminal event; resolves when all are on disk. */
  async finish(): Promise<void> {
    this.#going = false;
    await Promise.all(this.#work);
  }

  async #write(log: EventLog): Promise<void> {
    while (this.#going) {
      await appendSome(log, 1 + Math.floor(Math.random() ** 4 * 60)); // mostly few, sometimes many
      await sleep(Math.random() * this.#pauseMs);
    }
    await log.append({ type: 'pipe.completed' });
    await log.close();
  }
}
