/** Witnesses beside the writers of a real file, whichever process those are in. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { placesOf } from '../../../src/volume/places.js';
import { openForReading } from '../../../src/volume/readable-log.js';
import { untruth, type WatchedLog, WITNESSES, type Witness } from '../witnesses.js';
import { idsIn } from './outcomes.js';

/** How often they look, in milliseconds: many times during one sync that hangs, and a few during any commit under strace. */
const LOOK_MS = 1;

/** Readers beside a writer, from `start` to `finish`. */
export class FileWitnesses {
  readonly #root: string;
  readonly #runId: string;
  readonly #watches: { readonly witness: Witness; readonly over: Promise<void> }[];
  #over = false;

  constructor(root: string, runId: string) {
    this.#root = root;
    this.#runId = runId;
    this.#watches = WITNESSES.map(start => start(this.#watched()));
    onTestFinished(() => {
      this.#over = true; // where the test has failed before it came to `finish`
    });
  }

  #watched(): WatchedLog {
    let isLast = false; // one more look once all is over
    const change = async () => {
      await sleep(LOOK_MS);
      if (isLast) return undefined;
      isLast = this.#over;
      return 'changed';
    };
    return { open: () => openForReading(placesOf(this.#root, this.#runId)), change };
  }

  /** Once nobody writes any more: holds what they have handed out against the log. */
  async finish(mayGiveUp: boolean): Promise<Witness[]> {
    this.#over = true;
    await Promise.all(this.#watches.map(({ over }) => over));
    const ids = idsIn(this.#root, this.#runId);
    const witnesses = this.#watches.map(({ witness }) => witness);
    expect(witnesses.map(witness => untruth(witness, ids, mayGiveUp))).toEqual(
      witnesses.map(() => undefined),
    );
    return witnesses;
  }
}
