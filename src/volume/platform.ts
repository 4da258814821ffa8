/**
 * What differs between operating systems: the one place where the library asks which one it is on.
 *
 * Promise: each difference is one field with its reason, so that what a platform cannot do is found here, and the README
 * ("Limits") says what that costs. Only Linux is tested as it is; the others are tested there by giving this record theirs.
 */
import fs, { constants } from 'node:fs';

/** Where Linux names open files by their descriptors. */
const DESCRIPTORS = '/proc/self/fd';

/** How fcntl(2) is asked about locks of open file descriptions: numbers, and offsets in bytes in its `struct flock`. */
export interface ByteLocks {
  readonly set: number;
  readonly get: number;
  readonly read: number;
  readonly write: number;
  readonly none: number;
  readonly typeAt: number;
  readonly startAt: number;
  readonly lengthAt: number;
  /** Whether flock(2) and these locks of one file leave each other alone. */
  readonly apartFromFlock: boolean;
}

// Both as on 64-bit machines. Those of macOS are from its headers and have not been tried.
const LINUX_BYTE_LOCKS: ByteLocks = {
  ...{ set: 37, get: 36, read: 0, write: 1, none: 2 },
  ...{ typeAt: 0, startAt: 8, lengthAt: 16, apartFromFlock: true },
};
const MACOS_BYTE_LOCKS: ByteLocks = {
  ...{ set: 90, get: 92, read: 1, write: 3, none: 2 },
  ...{ typeAt: 20, startAt: 0, lengthAt: 8, apartFromFlock: false },
};

/** What an operating system can do. */
export interface Platform {
  /** flock(2). Windows has none: logs are not locked there unless asked, and then fail. */
  readonly flock: boolean;
  /** Locks on single bytes that belong to an open file. Without them nobody knows a live run from an orphan. */
  readonly byteLocks: ByteLocks | undefined;
  /** What makes a `write` durable by itself: O_DSYNC on Linux. On macOS it stops at the drive's cache; Windows has none. */
  readonly durableWrite: number;
  /** Whether the entries of a folder can be synced. Windows cannot open a folder for that. */
  readonly foldersSync: boolean;
  /** Where what is in an open folder can be named by its descriptor, whatever happens to its path; a chroot may lack it. */
  readonly descriptors: string | undefined;
  /** The flag to fail at a link instead of following it; 0 on Windows, where making one takes a privilege. */
  readonly noFollow: number;
  /** The flag to fail at a FIFO instead of waiting for its other end; 0 on Windows, which has none in folders. */
  readonly nonBlock: number;
  /** The flag to fail at what is no folder; 0 on Windows. */
  readonly onlyFolder: number;
}

/** What is known of an operating system by its name, as `process.platform` gives it, and whether it has `/proc/self/fd`. */
export function platformOf(name: NodeJS.Platform, hasDescriptors: boolean): Platform {
  const windows = name === 'win32';
  return {
    flock: !windows,
    byteLocks: name === 'linux' ? LINUX_BYTE_LOCKS : name === 'darwin' ? MACOS_BYTE_LOCKS : undefined,
    durableWrite: name === 'linux' ? constants.O_DSYNC : 0,
    foldersSync: !windows,
    descriptors: name === 'linux' && hasDescriptors ? DESCRIPTORS : undefined,
    noFollow: windows ? 0 : constants.O_NOFOLLOW,
    nonBlock: windows ? 0 : constants.O_NONBLOCK,
    onlyFolder: windows ? 0 : constants.O_DIRECTORY,
  };
}

/** The operating system this process runs on. */
export const PLATFORM: Platform = platformOf(process.platform, fs.existsSync(DESCRIPTORS));
