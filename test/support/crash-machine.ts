/**
 * A machine in memory on which processes write one log: they are killed, the power is cut, calls of the operating system
 * fail. It is at the seam `LogFile`, and each point at which something can go wrong is one step.
 *
 * One thing is left out: a process that is killed in the very moment in which a flush of its failed. These are two
 * faults at once, and nothing that could still be done would help.
 */
import type { LogFile } from '../../src/append/log-file.js';
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

/** A process that has the log open. */
export interface Process {
  readonly file: LogFile;
  readonly alive: boolean;
  kill(): void;
}

export class CrashMachine {
  readonly disk: CrashDisk;
  readonly ranged: boolean;
  /** After a failed cut: the file system takes nothing more until the machine is started again. */
  readOnly = false;
  /** Faults met so far. */
  faults = 0;
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
    for (const process of this.#processes.splice(0)) process.kill();
    this.disk.powerCut();
    this.readOnly = false;
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

const NEVER: Promise<never> = new Promise(() => undefined);

/** The log as one process has it open; once the process is gone, nothing it was doing comes back. */
class FileOfProcess implements LogFile, Process {
  readonly path = '/disk/events.jsonl';
  readonly file = this;
  alive = true;
  readonly #machine: CrashMachine;
  readonly #disk: CrashDisk;
  #flushFailed = false;

  constructor(machine: CrashMachine) {
    this.#machine = machine;
    this.#disk = machine.disk;
  }

  kill(): void {
    this.alive = false;
  }

  stat(): { size: number; stands: boolean } {
    return { size: this.#disk.content.length, stands: true };
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
    const failed = await this.#step('full', 'broken');
    if (failed !== undefined) {
      disk.failFlush(start);
      this.#flushFailed = true;
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
    this.#disk.truncate(size);
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
