/**
 * A log file in memory that keeps apart what was written and what was synced, and that can be told to fail.
 *
 * It is at the seam `LogFile`: the writer above it is the real one.
 */
import type { LogFile } from '../../src/append/log-file.js';

/** A disk holds one log and the copies saved beside it; it outlives the files opened on it. */
export class MemoryDisk {
  /** What a reader sees now. */
  written: Buffer = Buffer.alloc(0);
  /** What a power cut would surely leave. */
  synced: Buffer = Buffer.alloc(0);
  /** Copies of torn tails, by path. */
  readonly saved: Map<string, Buffer> = new Map();
  /** Called before each operation; may throw to make it fail. */
  onOperation: (name: Operation) => void = () => undefined;
  /** How many of the bytes given to a write land; all by default. */
  landing: (bytes: number) => number = bytes => bytes;
  /** Called before each look at the size; may throw to make it fail. */
  onStat: () => void = () => undefined;
  /** Whether the log still is at its path. */
  inPlace = true;
  /** How often the log was read. */
  reads = 0;
  /** Called when the lock is taken and when it is given back. */
  onLock: (name: 'lock' | 'unlock') => void = () => undefined;
  /** Names of the operations so far. */
  readonly operations: Operation[] = [];

  open(): LogFile {
    return new MemoryFile(this);
  }

  begin(name: Operation): void {
    this.operations.push(name);
    this.onOperation(name);
  }
}

export type Operation = 'write' | 'sync' | 'truncate' | 'copy';

/** An error as the operating system gives it. */
export function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: made up, ${syscall}`), { code, syscall });
}

class MemoryFile implements LogFile {
  readonly path = '/memory/events.jsonl';
  readonly #disk: MemoryDisk;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  stat(): { size: number; inPlace: boolean } {
    this.#disk.onStat();
    return { size: this.#disk.written.length, inPlace: this.#disk.inPlace };
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    this.#disk.reads++;
    return this.#disk.written.copy(buffer, 0, position);
  }

  async append(bytes: Uint8Array): Promise<number> {
    const disk = this.#disk;
    disk.begin('write');
    const landed = disk.landing(bytes.length);
    disk.written = Buffer.concat([disk.written, bytes.subarray(0, landed)]);
    await this.sync();
    return landed;
  }

  async sync(): Promise<void> {
    this.#disk.begin('sync');
    this.#disk.synced = Buffer.from(this.#disk.written);
  }

  async truncate(size: number): Promise<void> {
    this.#disk.begin('truncate');
    this.#disk.written = this.#disk.written.subarray(0, size);
  }

  async copyTail(start: number, suffix: string): Promise<string> {
    this.#disk.begin('copy');
    this.#disk.saved.set(this.path + suffix, Buffer.from(this.#disk.written.subarray(start)));
    return this.path + suffix;
  }

  tryLock(): boolean {
    this.#disk.onLock('lock');
    return true;
  }

  unlock(): void {
    this.#disk.onLock('unlock');
  }

  async close(): Promise<void> {}
}
