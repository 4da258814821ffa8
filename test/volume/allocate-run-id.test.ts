/** Run ids that rise in a volume: across processes, whatever the clock does and whatever is in `.ulid-last`. */
import { execFile, execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { EventLog, EventLogError, parseRunId } from '../../src/index.js';
import { tryLock } from '../../src/volume/flock.js';
import { runsFolder, ulidLastPath } from '../../src/volume/places.js';
import { programPath } from '../support/programs.js';
import { fullStrength, rounds } from '../support/rounds.js';
import { testNotOnWindows } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

// These tests set the clock themselves.
vi.mock('../../src/real-time.js', async original => ({
  ...(await original<object>()),
  nowMs: () => Date.now(),
}));

const CHILD = programPath('allocate-child');
const FUTURE = '7abcdefghjkmnpqrstvwxyz000';
const MAXIMUM = '7zzzzzzzzzzzzzzzzzzzzzzzzz';

const ulidOf = (runId: string) => parseRunId(runId).ulid;
const stored = (root: string) => readFileSync(ulidLastPath(root), 'latin1');

/** A volume in which `.ulid-last` holds the given bytes. */
function volumeWith(content: string | Uint8Array): string {
  const root = temporaryVolume();
  mkdirSync(dirname(ulidLastPath(root)), { recursive: true });
  writeFileSync(ulidLastPath(root), content);
  return root;
}

/** The ids another process allocates. */
async function allocatedElsewhere(root: string, count: number, ...rest: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    CHILD,
    root,
    'pipe',
    String(count),
    ...rest,
  ]);
  return stdout.trimEnd().split('\n');
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a run id is allocated', () => {
  test('for the pipe, and nothing but .ulid-last is made', async () => {
    const root = temporaryVolume();
    const runId = await EventLog.allocate(root, 'fix-loop');
    expect(parseRunId(runId).pipe).toBe('fix-loop');
    const made = readdirSync(root, { recursive: true }).map(path => `${path}`.replaceAll('\\', '/'));
    expect(made.toSorted()).toEqual(['.omne', '.omne/var', '.omne/var/.ulid-last']);
  });

  test('and stored as 26 upper-case characters', async () => {
    const root = temporaryVolume();
    const runId = await EventLog.allocate(root, 'a');
    expect(stored(root)).toBe(ulidOf(runId).toUpperCase());
    expect(stored(root)).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  });

  test('in a volume that is new: its folder .omne is made, and no root', async () => {
    const root = temporaryVolume();
    await EventLog.allocate(root, 'a');
    expect(existsSync(ulidLastPath(root))).toBe(true);
    const missing = join(root, 'not-there');
    await expect(EventLog.allocate(missing, 'a')).rejects.toMatchObject({ code: 'ERR_ROOT_NOT_FOUND' });
    expect(existsSync(missing)).toBe(false);
  });

  test('above every one before it, in any pipe, also by callers that do not wait for each other', async () => {
    const root = temporaryVolume();
    const together = await Promise.all(
      Array.from({ length: 40 }, (_, at) => EventLog.allocate(root, `p${at % 3}`)),
    );
    const later = await EventLog.allocate(root, 'a');
    const ulids = together.map(ulidOf);
    expect(new Set(ulids).size).toBe(40);
    expect(ulids.every(ulid => ulid < ulidOf(later))).toBe(true);
  });

  const EACH = rounds(200);
  const PROCESSES = fullStrength ? 8 : 4;

  test(`never to two of ${PROCESSES} processes that take ${EACH} each, and each sees its own rise`, async () => {
    const root = temporaryVolume();
    const processes = await Promise.all(
      Array.from({ length: PROCESSES }, () => allocatedElsewhere(root, EACH)),
    );
    const all = processes.flat();
    expect(all).toHaveLength(PROCESSES * EACH);
    expect(new Set(all).size).toBe(PROCESSES * EACH);
    for (const own of processes) expect(own.toSorted()).toEqual(own);
    expect(stored(root)).toBe(all.map(ulidOf).sort().at(-1)?.toUpperCase());
  });
});

testNotOnWindows('Windows has no permission bits', 'allocate takes the mode that create takes', async () => {
  const root = temporaryVolume();
  await EventLog.allocate(root, 'a', { mode: 0o600 });
  expect(statSync(ulidLastPath(root)).mode & 0o777).toBe(0o600);
});

test('allocate takes the options of create: how long to wait for the lock, or not to take it', async () => {
  const root = temporaryVolume();
  const first = await EventLog.allocate(root, 'a');
  const holder = openSync(ulidLastPath(root), 'r');
  try {
    expect(tryLock(holder, ulidLastPath(root))).toBe(true);
    const refused = EventLog.allocate(root, 'a', { lockTimeout: 20 });
    await expect(refused).rejects.toMatchObject({ code: 'ERR_LOCK_TIMEOUT' });
    expect((await EventLog.allocate(root, 'a', { lock: false })) > first).toBe(true);
  } finally {
    closeSync(holder);
  }
});

describe('when the clock goes back', () => {
  test('the ids of one process still rise', async () => {
    const root = temporaryVolume();
    vi.useFakeTimers({ toFake: ['Date'] });
    vi.setSystemTime('2031-01-01T00:00:00Z');
    const first = await EventLog.allocate(root, 'a');
    vi.setSystemTime('2024-01-01T00:00:00Z');
    const second = await EventLog.allocate(root, 'a');
    vi.setSystemTime('1970-01-01T00:00:00Z');
    const third = await EventLog.allocate(root, 'a');
    vi.setSystemTime('2031-01-02T00:00:00Z');
    const fourth = await EventLog.allocate(root, 'a');
    const ids = [first, second, third, fourth];
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(4);
    expect(parseRunId(fourth).createdAt).toEqual(new Date('2031-01-02T00:00:00Z'));
  });

  test('the ids of another process, whose clock is late, rise above them', async () => {
    const root = temporaryVolume();
    const here = await EventLog.allocate(root, 'pipe');
    const there = await allocatedElsewhere(root, 3, '86400000');
    const ids = [here, ...there, await EventLog.allocate(root, 'pipe')];
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(5);
  });
});

describe('when .ulid-last holds', () => {
  test('a later id, the next is above it', async () => {
    const root = volumeWith(FUTURE.toUpperCase());
    const runId = await EventLog.allocate(root, 'a');
    expect(ulidOf(runId)).toBe('7abcdefghjkmnpqrstvwxyz001');
    expect(stored(root)).toBe('7ABCDEFGHJKMNPQRSTVWXYZ001');
  });

  test.each([
    ['in lower case', FUTURE],
    ['with a newline', `${FUTURE.toUpperCase()}\n`],
    ['with a Windows newline', `${FUTURE.toUpperCase()}\r\n`],
  ])('a later id %s, the next is above it and the file is as it should be', async (_, content) => {
    const root = volumeWith(content);
    expect(ulidOf(await EventLog.allocate(root, 'a'))).toBe('7abcdefghjkmnpqrstvwxyz001');
    expect(stored(root)).toBe('7ABCDEFGHJKMNPQRSTVWXYZ001');
  });

  const damaged: [string, string | Uint8Array][] = [
    ['nothing', ''],
    ['garbage', 'not a ulid at all\n'],
    ['bytes that are no UTF-8', Uint8Array.of(0xff, 0xfe, 0x80)],
    ['1 MiB of zeros', new Uint8Array(1024 * 1024)],
    ['half an id', FUTURE.slice(0, 13)],
    ['an id and more', `${FUTURE}${FUTURE}`],
    ['an id beyond the last possible', `8${'Z'.repeat(25)}`],
    ['the last possible id', MAXIMUM.toUpperCase()],
  ];

  test.each(damaged)('%s, the next id is above the runs that exist', async (_, content) => {
    const root = volumeWith(content);
    for (const name of [
      'a-00000000000000000000000001',
      `b-${FUTURE}`,
      'c-01kp8g6dg0zg6axb6gqz17wf7m',
      'no-run-id',
      'x-8',
    ]) {
      mkdirSync(join(runsFolder(root), name), { recursive: true });
    }
    const runId = await EventLog.allocate(root, 'a');
    expect(ulidOf(runId) > FUTURE).toBe(true);
    expect(stored(root)).toBe(ulidOf(runId).toUpperCase());
    expect(ulidOf(await EventLog.allocate(root, 'a')) > ulidOf(runId)).toBe(true);
  });

  test.each(damaged)('%s, and there is no run yet, the next id holds the time', async (_, content) => {
    const root = volumeWith(content);
    const before = Date.now();
    const runId = await EventLog.allocate(root, 'a');
    const created = parseRunId(runId).createdAt.getTime();
    expect(created).toBeGreaterThanOrEqual(before);
    expect(created).toBeLessThanOrEqual(Date.now());
    expect(statSync(ulidLastPath(root)).size).toBe(26);
  });

  test('nothing usable, while a run holds the last possible id, runs go on all the same', async () => {
    const root = volumeWith('garbage');
    mkdirSync(join(runsFolder(root), `a-${MAXIMUM}`), { recursive: true });
    const first = await EventLog.allocate(root, 'a');
    const second = await EventLog.allocate(root, 'a');
    expect(ulidOf(second) > ulidOf(first)).toBe(true);
  });
});

describe('.ulid-last is never followed or waited for', () => {
  async function refused(root: string): Promise<void> {
    const error: unknown = await EventLog.allocate(root, 'a').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(EventLogError);
    expect(error).toMatchObject({ code: 'ERR_UNSAFE_PATH', path: ulidLastPath(root) });
    await expect(EventLog.create(root, 'a')).rejects.toMatchObject({ code: 'ERR_UNSAFE_PATH' });
  }

  testNotOnWindows(
    'Wine makes no links',
    'when it is a symbolic link, to something or to nothing',
    async () => {
      const root = volumeWith('x');
      const elsewhere = join(temporaryVolume(), 'precious');
      renameSync(ulidLastPath(root), elsewhere);
      symlinkSync(elsewhere, ulidLastPath(root));
      await refused(root);
      expect(readFileSync(elsewhere, 'utf8')).toBe('x');
      rmSync(elsewhere);
      await refused(root);
      expect(existsSync(elsewhere)).toBe(false);
    },
  );

  test('when it is a folder', async () => {
    const root = temporaryVolume();
    mkdirSync(ulidLastPath(root), { recursive: true });
    await refused(root);
  });

  testNotOnWindows('Windows has no FIFOs in folders', 'when it is a FIFO nobody reads', async () => {
    const root = volumeWith('');
    rmSync(ulidLastPath(root));
    execFileSync('mkfifo', [ulidLastPath(root)]);
    await refused(root);
  });

  testNotOnWindows('Wine makes no links', 'when the folder it is in is a symbolic link', async () => {
    const root = temporaryVolume();
    const elsewhere = temporaryVolume();
    mkdirSync(join(root, '.omne'));
    symlinkSync(elsewhere, join(root, '.omne', 'var'));
    await expect(EventLog.allocate(root, 'a')).rejects.toMatchObject({ code: 'ERR_UNSAFE_PATH' });
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});

test.each(['../x', 'a/b', '', '.hidden', 'a'.repeat(200), 'a\0b'])(
  'pipe name %j is refused with ERR_INVALID_PIPE before anything is made',
  async pipe => {
    const root = temporaryVolume();
    await expect(EventLog.allocate(root, pipe)).rejects.toMatchObject({ code: 'ERR_INVALID_PIPE' });
    await expect(EventLog.create(root, pipe)).rejects.toMatchObject({ code: 'ERR_INVALID_PIPE' });
    expect(readdirSync(root)).toEqual([]);
  },
);

test('a missing root or pipe is a TypeError', async () => {
  const allocate = (...given: unknown[]) => Reflect.apply(EventLog.allocate, EventLog, given);
  await expect(allocate()).rejects.toThrow(TypeError);
  await expect(allocate(temporaryVolume())).rejects.toThrow(TypeError);
  await expect(allocate('', 'a')).rejects.toThrow(TypeError);
});
