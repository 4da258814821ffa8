/**
 * A machine in memory on which processes write one log: they are killed, the power is cut, calls of the operating system
 * fail. It is at the seam `LogFile`, and each point at which something can go wrong is one step.
 *
 * One thing is left out: a process that is killed in the very moment in which a flush of its failed. These are two
 * faults at once, and nothing that could still be done would help.
 */
import { statSync } from 'node:fs';
import type { LogFile } from '../../src/append/log-file.js';
import { EventLogError } from '../../src/errors.js';
import type { ReadableLog } from '../../src/volume/readable-log.js';
import { CrashDisk } from './crash-disk.js';
import { systemError } from './memory-file.js';

/** What an operation can meet and live on: a write cut short, no space left, an input/output error. */
export type Fault = 'short' | 'full' | 'broken';

/** What goes wrong once `after` further steps were made, at the first step that it can happen to. */
export interface Incident {
  readonly after: number;
  readonly kind: 'power' | 'kill' | Fault;
}

/** How a machine behaves. */
export interface MachineOptions {
  readonly incidents?: readonly Incident[];
  readonly dice?: readonly number[];
  /** A write flushes its own pages only, as with O_DSYNC; by default it is followed by a flush of everything. */
  readonly ranged?: boolean;
}

/** Somebody who sees what happens to the log. */
export interface MachineWatcher {
  step(): void;
  cut(size: number): void;
  powerCut(): void;
}

/** A process that has the log open. */
export interface Process {
  readonly file: LogFile;
  readonly alive: boolean;
  /** It holds the lock, as it does through a commit. */
  committing: boolean;
  kill(): void;
}

export class CrashMachine {
  readonly disk: CrashDisk;
  readonly ranged: boolean;
  /** After a failed cut: the file system takes nothing more until the machine is started again. */
  readOnly = false;
  /** Faults met so far. */
  faults = 0;
  /** How often a cut took whole lines with it. */
  takenBack = 0;
  /** How often without a failed sync or a power cut: what reads beside a writer relies on that not to happen. */
  takenBackInVain = 0;
  powerCuts = 0;
  /** Called at each step, before a cut, and when the power goes. */
  watcher: MachineWatcher | undefined;
  #incidents: Incident[];
  #steps = 0; // since the last incident
  #processes: Process[] = [];

  constructor({ incidents = [], dice = [], ranged = false }: MachineOptions = {}) {
    this.disk = new CrashDisk(dice);
    this.ranged = ranged;
    this.#incidents = [...incidents];
  }

  /** Opens the log in a new process. */
  open(): Process {
    const process = new FileOfProcess(this);
    this.#processes.push(process);
    return process;
  }

  /** From now on these incidents come, and no others. */
  expect(...incidents: Incident[]): void {
    this.#incidents = incidents;
    this.#steps = 0;
  }

  /** Every process is gone, and what was not flushed may be. */
  powerCut(): void {
    this.powerCuts++;
    this.watcher?.powerCut();
    for (const process of this.#processes.splice(0)) process.kill();
    this.disk.powerCut();
    this.readOnly = false;
  }

  /** Cuts the log. */
  cut(size: number, flushFailed: boolean): void {
    if (this.disk.content.subarray(size).includes('\n')) {
      this.takenBack++;
      if (!flushFailed && this.powerCuts === 0) this.takenBackInVain++;
    }
    this.watcher?.cut(size);
    this.disk.truncate(size);
  }

  /** Opens the log for reading, in another process. */
  openForReading(): ReadableLog {
    const { disk } = this;
    const read = (buffer: Buffer, position: number, start = 0) =>
      disk.content.subarray(position).copy(buffer, start);
    const stat = () => Object.assign(statSync('.'), { size: disk.content.length });
    return {
      path: '/disk/events.jsonl',
      begin: 0,
      opened: stat(),
      stat,
      size: () => disk.content.length,
      inPlace: () => true,
      read: async (buffer, position) => read(buffer, position),
      readNow: read,
      sync: async () => {
        if (this.readOnly) throw new EventLogError('ERR_SYSTEM', 'the log could not be synced');
        disk.flush();
      },
      settledSize: () =>
        this.#processes.some(process => process.alive && process.committing)
          ? undefined
          : disk.content.length,
      giveWay: async () => undefined,
      close: async () => undefined,
    };
  }

  /** The incident of this step, if it is one of `possible`. */
  incident(possible: readonly Incident['kind'][]): Incident['kind'] | undefined {
    const next = this.#incidents[0];
    if (next === undefined || this.#steps++ < next.after || !possible.includes(next.kind)) return undefined;
    this.#incidents.shift();
    this.#steps = 0;
    return next.kind;
  }
}

/** Turns of the microtask queue that a flush takes: time enough for a reader to see what it may fail to bring. */
const FLUSH_TURNS = 24;

const NEVER: Promise<never> = new Promise(() => undefined);

/** The log as one process has it open; once the process is gone, nothing it was doing comes back. */
class FileOfProcess implements LogFile, Process {
  readonly path = '/disk/events.jsonl';
  readonly file = this;
  alive = true;
  readonly #machine: CrashMachine;
  readonly #disk: CrashDisk;
  committing = false;
  #flushFailed = false; // at the step before
  #takingBack = false; // a flush has failed: what it was to bring may be cut off

  constructor(machine: CrashMachine) {
    this.#machine = machine;
    this.#disk = machine.disk;
  }

  kill(): void {
    this.alive = false;
  }

  stat(): { size: number; inPlace: boolean } {
    return { size: this.#disk.content.length, inPlace: true };
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    return this.#disk.content.copy(buffer, 0, position);
  }

  async append(bytes: Uint8Array): Promise<number> {
    const disk = this.#disk;
    const { ranged } = this.#machine;
    const start = disk.content.length;
    const fault = await this.#step('short', 'full', 'broken');
    if (fault === 'full' || fault === 'broken') throw asError(fault, 'write');
    const landing = fault === 'short' ? disk.roll(bytes.length - 1) : bytes.length;
    const first = disk.roll(landing);
    disk.write(bytes.subarray(0, first));
    await this.#step();
    disk.write(bytes.subarray(first, landing));
    this.#machine.watcher?.step();
    for (let i = 0; i < FLUSH_TURNS; i++) await undefined;
    const failed = await this.#step('full', 'broken');
    if (failed !== undefined) {
      disk.failFlush(start);
      this.#flushFailed = true;
      this.#takingBack = true;
      throw asError(failed, ranged ? 'write' : 'fdatasync');
    }
    disk.flush(ranged ? start : 0);
    await this.#step();
    return landing;
  }

  async sync(): Promise<void> {
    const fault = await this.#step('full', 'broken');
    if (fault !== undefined) throw asError(fault, 'fdatasync');
    this.#disk.flush();
    await this.#step();
  }

  async truncate(size: number): Promise<void> {
    if ((await this.#step('broken')) !== undefined) {
      this.#machine.readOnly = true;
      throw asError('broken', 'ftruncate');
    }
    this.#machine.cut(size, this.#takingBack);
    await this.#step();
  }

  async copyTail(start: number, suffix: string): Promise<string> {
    const { saved, content } = this.#disk;
    const path = this.path + suffix;
    await this.#step();
    if (saved.has(path)) throw systemError('EEXIST', 'open');
    const copy = { bytes: content.subarray(start), durable: false };
    saved.set(path, copy);
    const fault = await this.#step('full', 'broken');
    if (fault !== undefined) {
      saved.delete(path);
      throw asError(fault, 'write');
    }
    copy.durable = true;
    await this.#step();
    return path;
  }

  tryLock(): boolean {
    return true;
  }

  unlock(): void {}

  async close(): Promise<void> {}

  /** One point at which something can go wrong. */
  async #step(...faults: Fault[]): Promise<Fault | undefined> {
    if (this.alive) await undefined;
    if (!this.alive) return NEVER;
    if (this.#machine.readOnly) throw systemError('EROFS', 'write');
    this.#machine.watcher?.step();
    const kind = this.#machine.incident(
      this.#flushFailed ? ['power', ...faults] : ['power', 'kill', ...faults],
    );
    this.#flushFailed = false;
    if (kind === 'power') this.#machine.powerCut();
    else if (kind === 'kill') this.kill();
    else if (kind !== undefined) this.#machine.faults++;
    return kind === 'power' || kind === 'kill' ? NEVER : kind;
  }
}

function asError(fault: Fault, syscall: string): Error {
  return systemError(fault === 'full' ? 'ENOSPC' : 'EIO', syscall);
}
