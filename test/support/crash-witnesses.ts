/**
 * Witnesses beside the writers of a machine that crashes: they look at the log at every step, and are held against it once it is
 * repaired. A power cut ends them with everything else.
 */
import type { CrashMachine, MachineWatcher } from './crash-machine.js';
import { untruth, type WatchedLog, WITNESSES, type Witness } from './witnesses.js';

interface Watch {
  readonly witness: Witness;
  over: boolean;
  /** It was held against the log after its end. */
  checked: boolean;
  /** The log was cut below its position while it had it closed: it may find other lines there, and cannot know. */
  unknowing: boolean;
}

export class CrashWitnesses implements MachineWatcher {
  readonly #machine: CrashMachine;
  #watches: (Watch | undefined)[] = []; // none where the power went and nothing of it is left
  #steps = 0;
  #waiting: (() => void)[] = [];

  constructor(machine: CrashMachine) {
    this.#machine = machine;
    machine.watcher = this;
  }

  /** Starts those that are not there, or have come to their end and were held against the log. */
  begin(): void {
    this.#watches = WITNESSES.map((start, index) => {
      const before = this.#watches[index];
      if (before?.checked === false) return before;
      const { witness, over } = start(this.#watched());
      const watch: Watch = { witness, over: false, checked: false, unknowing: false };
      void over.then(() => {
        watch.over = true;
      });
      return watch;
    });
  }

  /** The log as one of them sees it: no step is missed that is made while it looks. */
  #watched(): WatchedLog {
    const { powerCuts } = this.#machine;
    let seen = this.#steps;
    const change = async () => {
      if (seen === this.#steps) await new Promise<void>(resolve => this.#waiting.push(resolve));
      seen = this.#steps;
      return powerCuts === this.#machine.powerCuts ? 'changed' : undefined;
    };
    return { open: async () => this.#machine.openForReading(), change };
  }

  step(): void {
    this.#steps++;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  cut(size: number): void {
    for (const watch of this.#alive()) {
      watch.unknowing ||= watch.witness.name === 'replay' && watch.witness.position > size;
    }
  }

  powerCut(): void {
    // What a mirror has shipped is elsewhere: it is held against what is left of the log, which may be longer.
    this.#watches = this.#watches.map(watch => {
      if (watch?.witness.name !== 'mirror') return undefined;
      watch.witness.ended = true;
      return watch;
    });
    this.step();
  }

  /** Holds what was handed out against the ids in the log; throws when somebody was misled. */
  check(log: readonly string[]): void {
    const { takenBack, takenBackInVain, powerCuts } = this.#machine;
    if (takenBackInVain > 0) throw new Error('whole lines were taken back without need');
    for (const watch of this.#alive()) {
      const { unknowing } = watch;
      // What cannot be synced any more is not shipped.
      const ended = watch.witness.ended || (watch.witness.name === 'mirror' && this.#machine.readOnly);
      const witness = { ...watch.witness, ended };
      const wrong = unknowing ? undefined : untruth(witness, log, takenBack + powerCuts > 0);
      if (wrong !== undefined) throw new Error(wrong);
      watch.checked = watch.over;
    }
  }

  #alive(): Watch[] {
    return this.#watches.filter(watch => watch !== undefined);
  }
}
