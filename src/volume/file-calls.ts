/**
 * Node's own calls on files and folders, as promises: those on descriptors too, which node:fs/promises does not have.
 *
 * Promise: nothing of the process is changed by loading this, and no call waits for a descriptor to become free.
 */
import fs, { type Stats } from 'node:fs';
import { promisify } from 'node:util';

/** The asynchronous calls on the file system. */
export interface FileCalls {
  stat(path: string): Promise<Stats>;
  lstat(path: string): Promise<Stats>;
  readdir(path: string): Promise<string[]>;
  unlink(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Writes all of it, in as many writes as that takes. */
  writeFile(fd: number, text: string): Promise<void>;
  fstat(fd: number): Promise<Stats>;
  read(
    fd: number,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number; buffer: Buffer }>;
  write(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): Promise<unknown>;
  ftruncate(fd: number, size: number): Promise<void>;
  fsync(fd: number): Promise<void>;
  fdatasync(fd: number): Promise<void>;
  close(fd: number): Promise<void>;
}

export const files: FileCalls = {
  stat: promisify<string, Stats>(fs.stat),
  lstat: promisify<string, Stats>(fs.lstat),
  readdir: promisify<string, string[]>(fs.readdir),
  unlink: promisify(fs.unlink),
  rename: promisify(fs.rename),
  writeFile: promisify<number, string>(fs.writeFile),
  fstat: promisify<number, Stats>(fs.fstat),
  read: promisify(fs.read),
  write: promisify(fs.write),
  ftruncate: promisify(fs.ftruncate),
  fsync: promisify(fs.fsync),
  fdatasync: promisify(fs.fdatasync),
  close: promisify(fs.close),
};
