/**
 * The file of a log. Knows bytes, paths and descriptors, but no events and no lines.
 *
 * Promises: a batch is one `write` on an O_APPEND descriptor, and the byte count it returns is handed on, never assumed.
 * When `append` resolves with all bytes, they are on stable storage: through O_DSYNC where one `write` can do both
 * (Linux), through `fdatasync` elsewhere (on macOS libuv flushes the drive's cache too).
 */
import fs, { constants } from 'node:fs';
import { callThroughDiskGate, throughDiskGate } from '../volume/disk-gate.js';
import { files } from '../volume/file-calls.js';
import { tryLock, unlock } from '../volume/flock.js';
import { type Folder, withinRun } from '../volume/folder.js';
import { syncFolder } from '../volume/make-folders.js';
import { lookAt, openInside, readFully, sizeAndPlace, withWritable } from '../volume/open-log.js';
import { LOG_NAME, type RunPlaces } from '../volume/places.js';
import { PLATFORM } from '../volume/platform.js';

/** How often a lock that is only shared by others is asked for again at once. */
const SHARED_TRIES = 100;

/** What the writer needs of a file: the seam at which tests put a disk that crashes. */
export interface LogFile {
  readonly path: string;
  /** The size in bytes, and whether this file still is at its path. */
  stat(): { readonly size: number; readonly inPlace: boolean };
  /** Fills `buffer` from `position`; fewer bytes only at the end of the file. */
  read(buffer: Buffer, position: number): Promise<number>;
  /** Writes once at the end and makes it durable; resolves with the bytes written, which may be fewer than given. */
  append(bytes: Uint8Array): Promise<number>;
  /** Makes everything written so far durable. */
  sync(): Promise<void>;
  /** Cuts the file to `size` bytes. */
  truncate(size: number): Promise<void>;
  /** Durably copies the bytes from `start` on to a new file beside this one and returns its path. */
  copyTail(start: number, suffix: string): Promise<string>;
  /** Takes the exclusive lock if nobody holds it. */
  tryLock(): boolean;
  unlock(): void;
  close(): Promise<void>;
}

/** A log that lies in a file of the system. */
export interface OpenLogFile extends LogFile {
  /** The descriptor, open for reading and writing until `close`. */
  readonly fd: number;
}

/** How a file is opened. */
export interface OpenOptions {
  /** Permission bits of a new file, narrowed by the umask; 0o666 by default. */
  readonly mode?: number | undefined;
  /** `create`: there must be none yet; `ensure`: made if missing; by default it must exist. */
  readonly make?: 'create' | 'ensure' | undefined;
  /** Durability by O_DSYNC; by default where the platform's O_DSYNC reaches the drive. */
  readonly dsync?: boolean | undefined;
}

const { O_APPEND, O_CREAT, O_EXCL, O_RDWR } = constants;

/** Opens the log of a run for appending. */
export async function openLogFile(places: RunPlaces, options: OpenOptions = {}): Promise<OpenLogFile> {
  const dsync = options.dsync === false ? 0 : PLATFORM.durableWrite;
  const making = options.make === 'create' ? O_CREAT | O_EXCL : options.make === 'ensure' ? O_CREAT : 0;
  const { fd } = await openInside(places, O_RDWR | O_APPEND | dsync | making, options.mode);
  return new NodeLogFile(fd, places, dsync !== 0);
}

class NodeLogFile implements OpenLogFile {
  readonly path: string;
  readonly fd: number;
  readonly #opened: ReturnType<typeof lookAt>;
  readonly #places: RunPlaces;
  readonly #dsync: boolean;

  constructor(fd: number, places: RunPlaces, dsync: boolean) {
    this.fd = fd;
    this.#opened = lookAt(fd);
    this.path = places.log;
    this.#places = places;
    this.#dsync = dsync;
  }

  stat(): { size: number; inPlace: boolean } {
    return sizeAndPlace(this.fd, this.path, this.#opened);
  }

  read(buffer: Buffer, position: number): Promise<number> {
    return readFully(this.fd, buffer, position);
  }

  append(bytes: Uint8Array): Promise<number> {
    if (!this.#dsync) return throughDiskGate(() => this.#writeAndSync(bytes));
    return callThroughDiskGate(done => fs.write(this.fd, bytes, 0, bytes.length, null, done));
  }

  async #writeAndSync(bytes: Uint8Array): Promise<number> {
    const written = await writeOnce(this.fd, bytes);
    await files.fdatasync(this.fd);
    return written;
  }

  sync(): Promise<void> {
    return throughDiskGate(() => files.fdatasync(this.fd));
  }

  truncate(size: number): Promise<void> {
    return throughDiskGate(() => {
      const cut = (fd: number) => files.ftruncate(fd, size);
      return PLATFORM.narrowDescriptors ? withWritable(this.#places, this.fd, cut) : cut(this.fd);
    });
  }

  async copyTail(start: number, suffix: string): Promise<string> {
    const copyPath = this.path + suffix;
    await withinRun(this.#places, async folder => {
      await this.#copy(start, folder, LOG_NAME + suffix);
      await syncFolder(folder.at('.'));
    });
    return copyPath;
  }

  async #copy(start: number, folder: Folder, name: string): Promise<void> {
    const copy = await folder.open(name, O_RDWR | O_CREAT | O_EXCL, fs.fstatSync(this.fd).mode & 0o777);
    try {
      const block = Buffer.allocUnsafe(256 * 1024);
      for (let at = start, got: number; (got = await this.read(block, at)) > 0; at += got) {
        for (let done = 0; done < got; ) {
          done += await throughDiskGate(() => writeOnce(copy, block.subarray(done, got)));
        }
      }
      await throughDiskGate(() => files.fsync(copy));
    } catch (error) {
      await files.unlink(folder.at(name)).catch(() => undefined); // the first error is the one to report
      throw error;
    } finally {
      await files.close(copy);
    }
  }

  tryLock(): boolean {
    if (tryLock(this.fd, this.path)) return true;
    // A mirror shares it, for some microseconds, while it looks at the size: that is not a peer to make room for.
    for (let tries = 0; tries < SHARED_TRIES && tryLock(this.fd, this.path, 'shared'); tries++) {
      unlock(this.fd); // on Windows one does not become the other
      if (tryLock(this.fd, this.path)) return true;
    }
    return false;
  }

  unlock(): void {
    unlock(this.fd);
  }

  close(): Promise<void> {
    return files.close(this.fd);
  }
}

// As for reading: the callback of node:fs, without a further promise.
function writeOnce(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error) reject(error);
      else resolve(written);
    });
  });
}
