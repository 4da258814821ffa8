/**
 * What differs on Windows, on Linux: the library with the record of Windows, locks of Linux in the place of its own, and a file
 * system that answers as that of Windows is believed to: nobody has seen a real one.
 */
import fs, {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { FileCalls } from '../../src/volume/file-calls.js';
import { platformOf } from '../../src/volume/platform.js';
import { rejection } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

type Library = typeof import('../../src/index.js');
let library: Library;
let files: FileCalls;

const GATE = { type: 'gate.passed', node_id: 'n', gate: 'g', method: 'hook' } as const;
const failure = (code: string, syscall: string) =>
  Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });

beforeAll(async () => {
  vi.resetModules();
  vi.doMock('../../src/volume/platform.js', () => ({ PLATFORM: platformOf('win32', false) }));
  vi.doMock('../../src/volume/windows-locks.js', () => import('../support/windows-locks.js'));
  library = await import('../../src/index.js');
  ({ files } = await import('../../src/volume/file-calls.js'));
});

afterEach(() => {
  vi.restoreAllMocks();
});

afterAll(() => {
  vi.doUnmock('../../src/volume/platform.js');
  vi.doUnmock('../../src/volume/windows-locks.js');
  vi.resetModules();
});

describe('locks and marks', () => {
  test('two logs of one run append in turn, and one waits for the lock of the other', async () => {
    const { EventLog } = library;
    const log = await EventLog.create(temporaryVolume(), 'feature');
    const other = await EventLog.open(log.root, log.runId);
    await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? log : other).append(GATE)));
    const hasty = await EventLog.open(log.root, log.runId, { lockTimeout: 50 });
    const { tryLock } = await import('../../src/volume/flock.js');
    const fd = fs.openSync(log.path, 'r');
    expect(tryLock(fd, log.path)).toBe(true);
    expect(await rejection(hasty.append(GATE))).toMatchObject({ code: 'ERR_LOCK_TIMEOUT' });
    fs.closeSync(fd);
    await hasty.append(GATE);
    await Promise.all([log.close(), other.close(), hasty.close()]);
    expect(await EventLog.read(log.root, log.runId).toArray()).toHaveLength(21);
  });

  test('a run is live while its log is open, and owned by one; a file beside the log says so', async () => {
    const { EventLog } = library;
    const root = temporaryVolume();
    const log = await EventLog.create(root, 'feature');
    const { runId } = log;
    expect(readdirSync(dirname(log.path)).sort()).toEqual(['.live', 'events.jsonl']);
    expect(await EventLog.isLive(root, runId)).toBe(true);
    expect(await rejection(EventLog.resume(root, runId))).toMatchObject({ code: 'ERR_RUN_OWNED' });
    await log.append(GATE);
    await log.close();
    expect(await EventLog.isLive(root, runId)).toBe(false);
    const anHourAgo = Date.now() / 1000 - 3600;
    utimesSync(log.path, anHourAgo, anHourAgo);
    for await (const run of EventLog.runs(root)) expect(run).toMatchObject({ live: false, orphan: true });
    const resumed = await EventLog.resume(root, runId);
    await resumed.log.append({ type: 'pipe.completed' });
    await resumed.log.close();
    expect(await EventLog.prune(root, { olderThan: 0 })).toMatchObject({ runs: [{ runId }] });
    expect(existsSync(dirname(log.path))).toBe(false);
  });

  test('a create that fails leaves no marks either', async () => {
    const root = temporaryVolume();
    vi.spyOn(files, 'fdatasync').mockRejectedValueOnce(failure('EIO', 'fdatasync')); // that of the last run id
    expect(await rejection(library.EventLog.create(root, 'feature'))).toMatchObject({ code: 'ERR_SYSTEM' });
    const log = await library.EventLog.create(root, 'feature');
    await log.close();
    vi.spyOn(files, 'fdatasync')
      .mockResolvedValueOnce(undefined)
      .mockRejectedValueOnce(failure('EIO', 'fdatasync'));
    expect(await rejection(library.EventLog.create(root, 'feature'))).toMatchObject({ code: 'ERR_SYSTEM' });
    expect(readdirSync(dirname(dirname(log.path)))).toEqual([log.runId]);
  });
});

describe('while another program has locked the whole log, which keeps all others out', () => {
  /** Reads fail so many times as they do then. */
  function lockedOut(times: number): { refused: () => number } {
    let refused = 0;
    const fail = () => refused++ < times;
    const { read, readSync } = fs;
    vi.spyOn(fs, 'read').mockImplementation(((...args: Parameters<typeof read>) => {
      const done = args.at(-1);
      if (fail() && typeof done === 'function') Reflect.apply(done, undefined, [failure('EBUSY', 'read'), 0]);
      else Reflect.apply(read, fs, args);
    }) as typeof read);
    vi.spyOn(fs, 'readSync').mockImplementation(((...args: Parameters<typeof readSync>) => {
      if (fail()) throw failure('EBUSY', 'read');
      return Reflect.apply(readSync, fs, args);
    }) as typeof readSync);
    return { refused: () => refused };
  }

  test('readers and tails wait and read on', async () => {
    const { EventLog } = library;
    const log = await EventLog.create(temporaryVolume(), 'feature');
    await log.appendAll([GATE, GATE, { type: 'pipe.completed' }]);
    await log.close();
    const { refused } = lockedOut(5);
    expect(await EventLog.read(log.root, log.runId).toArray()).toHaveLength(3);
    expect(refused()).toBeGreaterThan(5);
    vi.restoreAllMocks();
    lockedOut(5);
    expect(await EventLog.tail(log.root, log.runId).toArray()).toHaveLength(3);
  });

  test('a refused write is ERR_LOCK_TIMEOUT, nothing of it was written, and the log is still usable', async () => {
    const log = await library.EventLog.create(temporaryVolume(), 'feature', { lock: false });
    await log.append(GATE);
    const { write } = fs;
    vi.spyOn(fs, 'write').mockImplementationOnce(((...args: Parameters<typeof write>) => {
      const done = args.at(-1);
      if (typeof done === 'function') Reflect.apply(done, undefined, [failure('EBUSY', 'write'), 0]);
    }) as typeof write);
    expect(await rejection(log.append(GATE))).toMatchObject({ code: 'ERR_LOCK_TIMEOUT', path: log.path });
    await log.append(GATE);
    await log.close();
    expect(await log.read().toArray()).toHaveLength(2);
  });
});

describe('descriptors that can do only what they were opened for', () => {
  const flagsOf = (fd: number) =>
    Number.parseInt(/flags:\s*(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8);

  /** The file system of Windows in this. */
  function narrow(): void {
    const { ftruncate, fdatasync } = files;
    vi.spyOn(files, 'ftruncate').mockImplementation(async (fd: number, size: number) => {
      if ((flagsOf(fd) & fs.constants.O_APPEND) !== 0) throw failure('EPERM', 'ftruncate');
      await ftruncate(fd, size);
    });
    vi.spyOn(files, 'fdatasync').mockImplementation(async (fd: number) => {
      if ((flagsOf(fd) & 3) === fs.constants.O_RDONLY) throw failure('EPERM', 'fdatasync');
      await fdatasync(fd);
    });
  }

  test('a torn tail is cut through a second one', async () => {
    const { EventLog } = library;
    const log = await EventLog.create(temporaryVolume(), 'feature');
    await log.append(GATE);
    await log.close();
    appendFileSync(log.path, '{"type":"pipe.comp');
    narrow();
    const again = await EventLog.open(log.root, log.runId);
    expect(again.recovered).toMatchObject({ bytes: 18 });
    await again.append(GATE);
    await again.close();
    expect(await log.read().toArray()).toHaveLength(2);
  });

  test('what is read is synced through a second one', async () => {
    const log = await library.EventLog.create(temporaryVolume(), 'feature');
    await log.append(GATE);
    await log.close();
    const { openForReading } = await import('../../src/volume/readable-log.js');
    const { placesOf } = await import('../../src/volume/places.js');
    narrow();
    const readable = await openForReading(placesOf(log.root, log.runId));
    await readable.sync();
    const aside = `${log.path}.aside`;
    renameSync(log.path, aside);
    writeFileSync(log.path, '');
    expect(await rejection(readable.sync())).toMatchObject({ code: 'ERR_UNSAFE_PATH' }); // that is another file
    await readable.close();
  });
});

describe('names', () => {
  test.for([
    'CON',
    'nul',
    'Aux',
    'com1',
    'LPT9',
    'COM¹',
    'CONIN$',
    'NUL ',
    'nul.a',
    'a:b',
    'a<b',
    'a>',
    '"',
    'a|b',
    'a?',
    '*',
    'a\tb',
  ])('a node %j has no captured output', async nodeId => {
    const log = await library.EventLog.create(temporaryVolume(), 'feature');
    expect(await rejection(log.capture(nodeId))).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
    await log.close();
  });

  test.for(['console', 'nulls', 'com', 'com10', 'lpt', 'a.', 'a ', 'über', 'a.b', '.a'])(
    'a node %j has one',
    async nodeId => {
      const log = await library.EventLog.create(temporaryVolume(), 'feature');
      const { path } = await log.capture(nodeId);
      expect(existsSync(path)).toBe(true);
      await log.close();
    },
  );

  test('a pipe that would make a device of the run folder is ERR_INVALID_PIPE, such a run id ERR_INVALID_RUN_ID', async () => {
    const { EventLog } = library;
    const root = temporaryVolume();
    for (const pipe of ['nul.a', 'CON.', 'com1.x'])
      expect(await rejection(EventLog.create(root, pipe))).toMatchObject({ code: 'ERR_INVALID_PIPE' });
    const runId = 'nul.a-01kp8g6dg0zg6axb6gqz17wf7m';
    expect(() => EventLog.read(root, runId)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_RUN_ID' }));
    for (const pipe of ['nul', 'con-a']) await (await EventLog.create(root, pipe)).close(); // `nul-<ulid>` is none
  });

  test('a run id in another case finds no run', async () => {
    const { EventLog } = library;
    const log = await EventLog.create(temporaryVolume(), 'feature');
    await log.append(GATE);
    await log.close();
    const other = log.runId.replace('feature', 'FEATURE');
    // The file system of Linux minds case: with a second name for the folder, which knows its first one, it is as if it did not.
    const native = fs.realpathSync.native;
    mkdirSync(join(dirname(dirname(log.path)), other));
    fs.copyFileSync(log.path, join(dirname(dirname(log.path)), other, 'events.jsonl'));
    const realpath = (path: fs.PathLike) => native(String(path).replace(other, log.runId));
    vi.spyOn(fs.realpathSync, 'native').mockImplementation(realpath as typeof native);
    expect(await rejection(EventLog.read(log.root, other).toArray())).toMatchObject({
      code: 'ERR_RUN_NOT_FOUND',
    });
    expect(await rejection(EventLog.open(log.root, other))).toMatchObject({ code: 'ERR_RUN_NOT_FOUND' });
    expect(await EventLog.read(log.root, log.runId).toArray()).toHaveLength(1);
    vi.mocked(fs.realpathSync.native).mockImplementation((() => {
      throw failure('UNKNOWN', 'realpath'); // as for a path that is too long
    }) as typeof native);
    expect(await EventLog.read(log.root, log.runId).toArray()).toHaveLength(1);
  });
});

describe('files', () => {
  test('two files whose numbers differ beyond 2^53 are two files', async () => {
    const { isAt } = await import('../../src/volume/open-log.js');
    const path = join(temporaryVolume(), 'a');
    writeFileSync(path, '');
    const stat = fs.lstatSync(path, { bigint: true });
    const big = (more: bigint, dev: bigint) =>
      Object.assign(Object.create(stat), { ino: 2n ** 60n + more, dev });
    vi.spyOn(fs, 'lstatSync').mockReturnValue(big(1n, 0xabcd_0123_4567n));
    expect(isAt(path, big(1n, 0x0123_4568n))).toBe(false);
    expect(isAt(path, big(1n, 0xabcd_0123_4567n))).toBe(true);
    expect(isAt(path, big(1n, 0x0123_4567n))).toBe(true); // the low 32 bits of the volume
    expect(isAt(path, big(2n, 0xabcd_0123_4567n))).toBe(false);
  });

  test('an append to a log that was deleted, and whose name is still there, is ERR_LOG_REPLACED', async () => {
    const log = await library.EventLog.create(temporaryVolume(), 'feature');
    await log.append(GATE);
    const look = fs.lstatSync(log.path, { bigint: true });
    unlinkSync(log.path);
    vi.spyOn(fs, 'lstatSync').mockReturnValue(look);
    expect(await rejection(log.append(GATE))).toMatchObject({ code: 'ERR_LOG_REPLACED' });
    await log.close();
  });

  test('a name that cannot be looked at, as that of a deleted file, is not the file that is open', async () => {
    const { isAt } = await import('../../src/volume/open-log.js');
    const path = join(temporaryVolume(), 'a');
    writeFileSync(path, '');
    const opened = fs.lstatSync(path, { bigint: true });
    expect(isAt(path, opened)).toBe(true);
    const look = vi.spyOn(fs, 'lstatSync');
    const says = (code: string) =>
      look.mockImplementation(() => {
        throw failure(code, 'lstat');
      });
    says('EPERM');
    expect(isAt(path, opened)).toBe(false);
    says('EIO');
    expect(() => isAt(path, opened)).toThrow('EIO');
  });

  test.for(['', '.omne', '.omne/var'])(
    'a file in the place of a folder, which is ENOENT there, is named: root/%s',
    async part => {
      const root = join(temporaryVolume(), 'root');
      mkdirSync(dirname(join(root, part)), { recursive: true });
      writeFileSync(join(root, part), '');
      const { statSync } = fs;
      vi.spyOn(fs, 'statSync').mockImplementation(((path: string, ...rest: []): fs.Stats => {
        try {
          return statSync(path, ...rest);
        } catch (error) {
          throw failure('ENOENT', `stat ${String(error)}`);
        }
      }) as typeof statSync);
      const { EventLog } = library;
      const expected = { code: 'ERR_UNSAFE_PATH', path: join(root, part) };
      expect(
        await rejection(EventLog.read(root, 'feature-01kp8g6dg0zg6axb6gqz17wf7m').toArray()),
      ).toMatchObject(expected);
      expect(await rejection(EventLog.create(root, 'feature'))).toMatchObject(expected);
    },
  );

  test('a folder is opened for writing to be synced; where that is refused, creating goes on', async () => {
    const flags: number[] = [];
    vi.resetModules();
    vi.doMock('../../src/volume/open-file.js', () => ({
      openFile: async (_folder: string, how: number) => {
        flags.push(how);
        throw failure('EPERM', 'open');
      },
    }));
    const { syncFolder } = await import('../../src/volume/make-folders.js');
    vi.doUnmock('../../src/volume/open-file.js');
    await syncFolder(temporaryVolume());
    expect(flags).toEqual([fs.constants.O_RDWR]);
  });
});
