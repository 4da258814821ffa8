/** Small disks that a test fills to the last byte; unmounted when the test ends, however it ends. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { errnoOf } from '../../../src/errors.js';
import { temporaryVolume } from '../volume.js';

/** A mounted disk. */
export class Disk {
  readonly root: string;
  /** Room is given out in steps of this. */
  readonly blockBytes: number;
  readonly #filler: string;

  constructor(root: string, blockBytes: number) {
    this.root = root;
    this.blockBytes = blockBytes;
    this.#filler = join(root, 'filler');
  }

  /** Fills the disk but for so many blocks. */
  fill(blocksLeft = 0): void {
    this.#change(fd => {
      for (let bytes = 64 * this.blockBytes; bytes >= 1; bytes = Math.floor(bytes / 2)) {
        while (writesWhole(fd, Buffer.alloc(bytes))) {}
      }
    });
    if (blocksLeft > 0) this.free(blocksLeft);
  }

  /** Makes room again: so many blocks, or all there are. */
  free(blocks = Number.POSITIVE_INFINITY): void {
    this.#change(fd => ftruncateSync(fd, Math.max(0, fstatSync(fd).size - blocks * this.blockBytes)));
  }

  #change(work: (fd: number) => void): void {
    const fd = openSync(this.#filler, 'a');
    try {
      work(fd);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }
}

function writesWhole(fd: number, bytes: Buffer): boolean {
  try {
    return writeSync(fd, bytes) === bytes.length;
  } catch (error) {
    if (errnoOf(error) !== 'ENOSPC') throw error;
    return false;
  }
}

/** A disk in memory. */
export function mountTmpfs(size: string, options = ''): Disk {
  const folder = mountPoint('tmpfs');
  mount(['-t', 'tmpfs', '-o', `size=${size}${options}`, 'tmpfs', folder], folder);
  return new Disk(folder, 4096);
}

/** An ext4 on a file in `folder`, which may be on a disk that has less room than the ext4 believes. */
export function mountExt4(folder: string, size: string, ...mkfsOptions: string[]): Disk {
  const image = join(folder, 'image');
  writeFileSync(image, '');
  execFileSync('truncate', ['-s', size, image]);
  execFileSync('mkfs.ext4', ['-q', '-b', '1024', '-m', '0', ...mkfsOptions, image]);
  const disk = mountPoint('ext4');
  mount(['-o', 'loop', image, disk], disk);
  return new Disk(disk, 1024);
}

function mountPoint(name: string): string {
  const folder = join(temporaryVolume(), name);
  mkdirSync(folder);
  return folder;
}

function mount(args: readonly string[], folder: string): void {
  execFileSync('mount', args);
  // Lazy: a log that a failed test left open must not keep the disk mounted.
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', folder]);
  });
}
