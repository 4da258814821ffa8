/**
 * What differs between operating systems: the one place where the library asks which one it is on.
 *
 * Promise: each difference is one field with its reason, so that what a platform cannot do is found here, and the README
 * of this wing ("Platforms") says what that costs. Tests on Linux give this record the values of the others, where those cannot be had.
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

// Both as on 64-bit machines. Those of macOS are read in its sources, and not tried.
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
  /** The lock between processes, the one the Rust program takes there too. Those of Windows keep others from reading and writing. */
  readonly locks: 'flock' | 'LockFileEx';
  /** Locks on single bytes that belong to an open file, with fcntl(2); Windows has its own. Without any nobody knows a live run from an orphan. */
  readonly byteLocks: ByteLocks | undefined;
  /** What makes a `write` durable by itself: O_DSYNC on Linux. On macOS it stops at the drive's cache; Windows has none. */
  readonly durableWrite: number;
  /** How a folder is opened to sync its entries: Windows syncs a folder only through a descriptor that may write. */
  readonly folderSync: number;
  /** Whether a descriptor can do only what it was opened for: on Windows one to append cannot cut, and one to read cannot sync. */
  readonly narrowDescriptors: boolean;
  /** Whether the numbers that tell files apart may be above 2^53: on NTFS they are. */
  readonly wideFileIds: boolean;
  /** Whether a file that is deleted keeps its name as long as somebody has it open. */
  readonly keepsDeleted: boolean;
  /** Whether a name also finds an entry that is spelled in another case, as it mostly does on Windows and macOS. */
  readonly anyCase: boolean;
  /** Names that are not a plain file: devices, streams, and what cannot be written. */
  readonly reserved: RegExp | undefined;
  /** Where what is in an open folder can be named by its descriptor, whatever happens to its path; a chroot may lack it. */
  readonly descriptors: string | undefined;
  /** The flag to fail at a link instead of following it; 0 on Windows, where making one takes a privilege. */
  readonly noFollow: number;
  /** The flag to fail at a FIFO instead of waiting for its other end; 0 on Windows, which has none in folders. */
  readonly nonBlock: number;
  /** The flag to fail at what is not a folder; 0 on Windows. */
  readonly onlyFolder: number;
}

/**
 * On Windows: a device, whatever follows its name after a dot (`NUL.out`), and spaces before the dot are not minded; a `:`, which
 * names a stream of a file; what no name may hold; a dot or a space at the end, which would be lost.
 */
const RESERVED =
  /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)|[<>:"|?*\x00-\x1f]|[. ]$/i;

/** What is known of an operating system by its name, as `process.platform` gives it, and whether it has `/proc/self/fd`. */
export function platformOf(name: NodeJS.Platform, hasDescriptors: boolean): Platform {
  const windows = name === 'win32';
  return {
    locks: windows ? 'LockFileEx' : 'flock',
    byteLocks: name === 'linux' ? LINUX_BYTE_LOCKS : name === 'darwin' ? MACOS_BYTE_LOCKS : undefined,
    durableWrite: name === 'linux' ? constants.O_DSYNC : 0,
    folderSync: windows ? constants.O_RDWR : constants.O_RDONLY | constants.O_DIRECTORY,
    narrowDescriptors: windows,
    wideFileIds: windows,
    keepsDeleted: windows,
    anyCase: windows || name === 'darwin',
    reserved: windows ? RESERVED : undefined,
    descriptors: name === 'linux' && hasDescriptors ? DESCRIPTORS : undefined,
    noFollow: windows ? 0 : constants.O_NOFOLLOW,
    nonBlock: windows ? 0 : constants.O_NONBLOCK,
    onlyFolder: windows ? 0 : constants.O_DIRECTORY,
  };
}

/** The operating system this process runs on. */
export const PLATFORM: Platform = platformOf(process.platform, hasDescriptors());

/** What Node's permission model keeps away is not there. */
function hasDescriptors(): boolean {
  try {
    return fs.existsSync(DESCRIPTORS);
  } catch {
    return false;
  }
}
