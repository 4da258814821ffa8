/**
 * The code paths of other platforms, on Linux: the library is loaded again with the record of another platform, or with the
 * paths of Windows, in the place of its own. This shows that it never asks for what is not there; the file systems of the
 * others it cannot show.
 */
import {
  appendFileSync,
  constants,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, win32 } from 'node:path';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Platform, platformOf } from '../../src/volume/platform.js';
import { COMMAND, runToEnd } from '../support/command.js';
import { logPath, RUN_ID, rejection } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

const { O_DIRECTORY, O_DSYNC, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants;

afterEach(() => {
  vi.doUnmock('../../src/volume/platform.js');
  vi.doUnmock('../../src/volume/open-file.js');
  vi.doUnmock('../../src/volume/windows-locks.js');
  vi.doUnmock('node:path');
  vi.doUnmock('../../src/volume/file-calls.js');
  vi.restoreAllMocks();
  vi.resetModules();
});

/** The library as it is on another platform. */
async function libraryOn(platform: Platform): Promise<typeof import('../../src/index.js')> {
  vi.resetModules();
  vi.doMock('../../src/volume/platform.js', () => ({ PLATFORM: platform }));
  vi.doMock('../../src/volume/windows-locks.js', () => import('../support/windows-locks.js'));
  return import('../../src/index.js');
}

const WINDOWS = platformOf('win32', false);
const MACOS = platformOf('darwin', false);
const OTHERS = [
  { name: 'Linux without /proc', platform: platformOf('linux', false) },
  { name: 'macOS', platform: MACOS },
  { name: 'Windows', platform: WINDOWS },
];

test('what each platform can do', () => {
  const byteLocks = expect.objectContaining({ set: 37, get: 36, apartFromFlock: true });
  const macos = expect.objectContaining({ set: 90, get: 92, apartFromFlock: false });
  const posix = {
    locks: 'flock',
    folderSync: O_DIRECTORY,
    noFollow: O_NOFOLLOW,
    nonBlock: O_NONBLOCK,
    onlyFolder: O_DIRECTORY,
    narrowDescriptors: false,
    wideFileIds: false,
    keepsDeleted: false,
    anyCase: false,
    reserved: undefined,
  };
  const linux = { ...posix, byteLocks, durableWrite: O_DSYNC };
  expect(platformOf('linux', true)).toEqual({ ...linux, descriptors: '/proc/self/fd' });
  expect(platformOf('linux', false)).toEqual({ ...linux, descriptors: undefined });
  const unlike = { durableWrite: 0, descriptors: undefined };
  expect(MACOS).toEqual({ ...posix, ...unlike, anyCase: true, byteLocks: macos });
  expect(platformOf('freebsd', true)).toEqual({ ...posix, ...unlike, byteLocks: undefined });
  expect(WINDOWS).toEqual({
    locks: 'LockFileEx',
    byteLocks: undefined,
    durableWrite: 0,
    folderSync: O_RDWR,
    descriptors: undefined,
    noFollow: 0,
    nonBlock: 0,
    onlyFolder: 0,
    narrowDescriptors: true,
    wideFileIds: true,
    keepsDeleted: true,
    anyCase: true,
    reserved: expect.any(RegExp),
  });
});

describe.for(OTHERS)('on $name', ({ platform }) => {
  let library: typeof import('../../src/index.js');

  beforeAll(async () => {
    library = await libraryOn(platform);
  });

  test('a log is written, repaired, read, followed, listed and verified', async () => {
    const { EventLog, verifyRun, iterations } = library;
    const root = temporaryVolume();
    const log = await EventLog.create(root, 'feature');
    await log.append({ type: 'pipe.started', pipe: 'feature' });
    await log.append({ type: 'iteration.started', node_id: 'loop', iteration: 1, byte_offset: 0 });
    await log.close();
    mkdirSync(join(dirname(log.path), 'nodes'), { recursive: true });
    writeFileSync(join(dirname(log.path), 'nodes', 'loop.out'), 'once');
    appendFileSync(log.path, '{"type":"pipe.comp');

    const again = await EventLog.open(root, log.runId);
    expect(readFileSync(again.recovered?.savedTo ?? '', 'utf8')).toBe('{"type":"pipe.comp');
    const tail = EventLog.tail(root, log.runId).toArray();
    await again.appendAll([{ type: 'pipe.completed' }]);
    await again.close();

    const events = await EventLog.read(root, log.runId).toArray();
    expect(events.map(({ type }) => type)).toEqual(['pipe.started', 'iteration.started', 'pipe.completed']);
    expect(await tail).toEqual(events);
    for await (const { text } of iterations(root, log.runId, 'loop')) expect(await text()).toBe('once');
    for await (const run of EventLog.runs(root)) expect(run).toMatchObject({ status: 'completed' });
    expect(await verifyRun(root, log.runId)).toMatchObject({ ok: true, events: 3 });
  });

  test.for(['var', 'var/runs', `var/runs/${RUN_ID}`, `var/runs/${RUN_ID}/events.jsonl`])(
    'a link in the place of %s is ERR_UNSAFE_PATH, to who reads and who writes',
    async part => {
      const { EventLog } = library;
      const root = temporaryVolume();
      await (await EventLog.open(root, RUN_ID, { create: true })).close();
      const outside = join(temporaryVolume(), 'outside');
      renameSync(join(root, '.omne', part), outside);
      symlinkSync(outside, join(root, '.omne', part));
      const refused = { code: 'ERR_UNSAFE_PATH' };
      expect(await rejection(EventLog.read(root, RUN_ID).toArray())).toMatchObject(refused);
      expect(await rejection(EventLog.open(root, RUN_ID))).toMatchObject(refused);
      expect(await rejection(EventLog.open(root, RUN_ID, { create: true }))).toMatchObject(refused);
    },
  );

  test('a folder that is swapped for a link while the log is opened is ERR_UNSAFE_PATH, at the latest after the open', async () => {
    const swap = vi.fn();
    const { openFile, openNow } = await import('../../src/volume/open-file.js');
    vi.doMock('../../src/volume/open-file.js', () => ({
      openFile,
      openNow: (path: string, flags: number) => {
        swap(path);
        return openNow(path, flags);
      },
    }));
    const { EventLog } = await libraryOn(platform);
    const root = temporaryVolume();
    const log = await EventLog.create(root, 'feature');
    await log.close();
    swap.mockImplementationOnce(() => {
      const outside = join(temporaryVolume(), 'outside');
      renameSync(dirname(log.path), outside);
      symlinkSync(outside, dirname(log.path));
    });
    expect(await rejection(EventLog.read(root, log.runId).toArray())).toMatchObject({
      code: 'ERR_UNSAFE_PATH',
    });
    expect(swap).toHaveBeenCalled();
  });

  test('neither the last run id nor a captured output is taken through a link', async () => {
    const { EventLog, iterations } = library;
    const root = temporaryVolume();
    const log = await EventLog.create(root, 'feature');
    await log.append({ type: 'iteration.started', node_id: 'loop', iteration: 1, byte_offset: 0 });
    await log.close();
    const secret = join(temporaryVolume(), 'secret');
    writeFileSync(secret, 'secret');
    mkdirSync(join(dirname(log.path), 'nodes'), { recursive: true });
    symlinkSync(secret, join(dirname(log.path), 'nodes', 'loop.out'));
    renameSync(join(root, '.omne/var/.ulid-last'), join(root, 'aside'));
    symlinkSync(secret, join(root, '.omne/var/.ulid-last'));
    expect(await rejection(EventLog.allocate(root, 'feature'))).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
    for await (const { text } of iterations(root, log.runId, 'loop')) {
      expect(await rejection(text())).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
    }
    expect(readFileSync(secret, 'utf8')).toBe('secret');
  });
});

describe('where a write is not durable by itself', () => {
  test.for([
    { name: 'macOS', platform: MACOS, syncs: 3 },
    { name: 'Linux', platform: platformOf('linux', true), syncs: 0 },
  ])('each commit syncs the file: $syncs syncs for three commits on $name', async ({ platform, syncs }) => {
    const { EventLog } = await libraryOn(platform);
    const log = await EventLog.create(temporaryVolume(), 'feature');
    const { files } = await import('../../src/volume/file-calls.js'); // of this library, not of the test
    const sync = vi.spyOn(files, 'fdatasync');
    for (const node_id of ['a', 'b', 'c']) await log.append({ type: 'node.started', node_id, kind: 'bash' });
    expect(sync).toHaveBeenCalledTimes(syncs);
    await log.close();
  });
});

test('a process that believes it runs on Windows asks for the locks of Windows, and goes on without where asked to', async () => {
  const root = temporaryVolume();
  const fake = "data:text/javascript,Object.defineProperty(process,'platform',{value:'win32'})";
  const code = `
    const { EventLog } = await import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)});
    await EventLog.create(${JSON.stringify(root)}, 'feature').catch(error => console.log(error.code));
    const log = await EventLog.create(${JSON.stringify(root)}, 'feature', { lock: false });
    await log.append({ type: 'pipe.started', pipe: 'feature' });`;
  const env = { TEMP: root }; // where Node keeps what it has compiled, on Windows
  const onWindows = (...args: string[]) => runToEnd([process.execPath, '--import', fake, ...args], { env });
  const used = await onWindows('--input-type=module', '--eval', code);
  expect(used).toEqual({ code: 0, stdout: 'ERR_LOCK_UNSUPPORTED\n', stderr: '' });
  const shown = await onWindows(COMMAND, 'show', 'last', '--root', root);
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toContain('not ended');
});

describe('with the paths of Windows', () => {
  /** The builder of paths, as it is on Windows, in a file system where these folders are. */
  async function placesWith(
    folders: readonly string[],
  ): Promise<typeof import('../../src/volume/places.js')> {
    vi.resetModules();
    vi.doMock('node:path', () => win32);
    const stat = async (path: string) => ({ isDirectory: () => folders.includes(path) });
    vi.doMock('../../src/volume/file-calls.js', () => ({ files: { stat } }));
    return import('../../src/volume/places.js');
  }

  test.for(['C:\\volume', 'C:/volume', 'c:\\', '\\\\server\\share\\volume', '\\\\?\\C:\\volume'])(
    'a run lies in the volume %s, whichever separator names it',
    async root => {
      const { placesOf, capturePath, ulidLastPath } = await placesWith([]);
      const places = placesOf(root, RUN_ID);
      expect(places.root).toBe(win32.resolve(root));
      expect(win32.relative(places.root, places.log)).toBe(`.omne\\var\\runs\\${RUN_ID}\\events.jsonl`);
      expect(win32.relative(places.root, ulidLastPath(root))).toBe('.omne\\var\\.ulid-last');
      expect(win32.relative(places.folder, capturePath(places, 'plan'))).toBe('nodes\\plan.out');
    },
  );

  test.for(['..\\plan', 'a\\b', 'a/b', '\\\\server\\share', 'C:\\plan'])(
    'a node id that is a path holds no captured output: %s',
    async nodeId => {
      const { placesOf, capturePath } = await placesWith([]);
      expect(() => capturePath(placesOf('C:\\v', RUN_ID), nodeId)).toThrow(
        expect.objectContaining({ code: 'ERR_UNSAFE_PATH' }),
      );
    },
  );

  test.for(['..', 'C:', 'C:plan', '.'])('a node id never leads out of its folder: %s', async nodeId => {
    const { placesOf, capturePath } = await placesWith([]);
    const places = placesOf('C:\\v', RUN_ID);
    expect(win32.dirname(capturePath(places, nodeId))).toBe(`${places.folder}\\nodes`);
  });

  test('the volume is found from below, from either kind of path, and the search ends at the drive', async () => {
    const { findVolumeRoot } = await placesWith(['C:\\data\\volume\\.omne', '\\\\server\\share\\.omne']);
    expect(await findVolumeRoot('C:\\data\\volume\\a\\b')).toBe('C:\\data\\volume');
    expect(await findVolumeRoot('C:/data/volume/a/')).toBe('C:\\data\\volume');
    expect(await findVolumeRoot('\\\\server\\share\\a')).toBe('\\\\server\\share\\');
    expect(await findVolumeRoot('C:\\data')).toBeUndefined();
    expect(await findVolumeRoot('D:\\work\\volume')).toBeUndefined();
    expect(await findVolumeRoot('\\\\server\\other\\a')).toBeUndefined();
  });

  test('a path that Windows built is no output_path; the same with forward slashes is one', async () => {
    const { encodeEvent, EventLog } = await import('../../src/index.js');
    const log = await EventLog.create(temporaryVolume(), 'feature');
    const absolute = win32.join('C:\\volume', 'nodes', 'plan.out');
    const built = win32.relative('C:\\volume', absolute);
    const completed = { type: 'node.completed', node_id: 'plan' } as const;
    for (const output_path of [
      absolute,
      absolute.replaceAll('\\', '/'),
      built,
      '\\\\server\\share\\a',
      'C:a',
    ]) {
      const refused = { code: 'ERR_INVALID_EVENT', field: 'output_path' };
      expect(await rejection(log.append({ ...completed, output_path }))).toMatchObject(refused);
    }
    const written = await log.append({ ...completed, output_path: built.replaceAll('\\', '/') });
    expect(encodeEvent(written)).toContain('"output_path":"nodes/plan.out"');
    await log.close();
  });

  test('paths are built with the separators of this platform otherwise', async () => {
    const { placesOf } = await import('../../src/volume/places.js');
    expect(placesOf('/volume', RUN_ID).log).toBe(logPath('/volume'));
  });
});
