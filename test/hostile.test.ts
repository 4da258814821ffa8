/** Links, things that are not files, and lines without an end, in the place of a log. */
import { execFile, execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EventLog } from '../src/index.js';
import {
  lineOf,
  linesOf,
  logPath,
  RUN_ID,
  rejection,
  sampleEvent,
  sampleEvents,
  writeLog,
} from './support/logs.js';
import { programPath } from './support/programs.js';
import { fullStrength } from './support/rounds.js';
import { temporaryVolume } from './support/volume.js';

const UNSAFE = { code: 'ERR_UNSAFE_PATH' };
const QUICKLY = 3000;

/** Every way to a log that is there. */
const openings: { way: string; go: (root: string) => Promise<unknown> }[] = [
  { way: 'read', go: root => EventLog.read(root, RUN_ID).toArray() },
  { way: 'read the last', go: root => EventLog.read(root, RUN_ID, { last: 1 }).toArray() },
  { way: 'open', go: root => EventLog.open(root, RUN_ID).then(log => log.close()) },
  {
    way: 'open, making what is missing',
    go: root => EventLog.open(root, RUN_ID, { create: true }).then(log => log.close()),
  },
];
const creations: { way: string; go: (root: string) => Promise<unknown> }[] = [
  { way: 'create', go: root => EventLog.create(root, 'feature').then(log => log.close()) },
];

function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}

/** Moves what is at `path` out of the volume and leaves a link to it. */
function replaceByLink(path: string): { outside: string } {
  const outside = temporaryVolume();
  const target = join(outside, 'moved');
  renameSync(path, target);
  symlinkSync(target, path);
  return { outside };
}

describe('a symbolic link below .omne is ERR_UNSAFE_PATH, and nothing is written through it', () => {
  const places: { what: string; place: (root: string) => string }[] = [
    { what: 'var', place: root => join(root, '.omne', 'var') },
    { what: 'runs', place: root => join(root, '.omne', 'var', 'runs') },
    { what: 'the run folder', place: root => dirname(logPath(root)) },
    { what: 'events.jsonl', place: root => logPath(root) },
  ];

  describe.for(places)('$what', ({ what, place }) => {
    const ways = what === 'var' || what === 'runs' ? [...openings, ...creations] : openings;

    test.for(ways)('$way', async ({ go }) => {
      const root = temporaryVolume();
      writeLog(root, linesOf(sampleEvents(3)));
      const { outside } = replaceByLink(place(root));
      const before = everythingIn(outside);
      expect(await rejection(go(root))).toMatchObject(UNSAFE);
      expect(everythingIn(outside)).toEqual(before);
    });

    test.for(ways)('$way, where the link leads nowhere', async ({ go }) => {
      const root = temporaryVolume();
      mkdirSync(dirname(place(root)), { recursive: true });
      const outside = temporaryVolume();
      symlinkSync(join(outside, 'missing'), place(root));
      expect(await rejection(go(root))).toHaveProperty(
        'code',
        expect.stringMatching(/^ERR_(UNSAFE_PATH|RUN_NOT_FOUND)$/),
      );
      expect(everythingIn(outside)).toEqual([]);
    });
  });

  test('a link in the place of .ulid-last', async () => {
    const root = temporaryVolume();
    const outside = temporaryVolume();
    mkdirSync(join(root, '.omne', 'var'), { recursive: true });
    symlinkSync(join(outside, 'missing'), join(root, '.omne', 'var', '.ulid-last'));
    expect(await rejection(EventLog.create(root, 'feature'))).toMatchObject(UNSAFE);
    expect(everythingIn(outside)).toEqual([]);
  });

  test("a link above .omne is the user's own business", async () => {
    const real = temporaryVolume();
    const root = join(temporaryVolume(), 'link');
    symlinkSync(real, root);
    const log = await EventLog.create(root, 'feature');
    await log.append({ type: 'pipe.started', pipe: 'feature' });
    await log.close();
    expect(await EventLog.read(root, log.runId).toArray()).toHaveLength(1);
    expect(await EventLog.read(real, log.runId).toArray()).toHaveLength(1);
  });
});

describe('something else in the place of events.jsonl is ERR_UNSAFE_PATH, without a wait', () => {
  const things: { what: string; put: (path: string) => unknown }[] = [
    { what: 'a folder', put: path => mkdirSync(path) },
    { what: 'a FIFO', put: path => execFileSync('mkfifo', [path]) },
    { what: 'a socket', put: listenAt },
  ];

  async function listenAt(path: string): Promise<void> {
    const short = join(temporaryVolume(), 's'); // a socket's path must be short, so it is made here and moved
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>(resolve => server.listen(short, resolve));
    renameSync(short, path);
  }

  describe.for(things)('$what', ({ put }) => {
    test.for(openings)('$way', { timeout: QUICKLY }, async ({ go }) => {
      const root = temporaryVolume();
      mkdirSync(dirname(logPath(root)), { recursive: true });
      await put(logPath(root));
      expect(await rejection(go(root))).toMatchObject({ ...UNSAFE, path: logPath(root) });
      expect(readdirSync(dirname(logPath(root)))).toEqual(['events.jsonl']);
    });
  });

  test.for(openings)('a file in the place of the run folder: $way', async ({ go }) => {
    const root = temporaryVolume();
    writeLog(root, '');
    rmSync(dirname(logPath(root)), { recursive: true });
    closeSync(openSync(dirname(logPath(root)), 'w'));
    expect(await rejection(go(root))).toMatchObject(UNSAFE);
  });
});

/** Many times what is held in memory; the longest where all counts. */
const LENGTH = fullStrength ? 2 ** 30 : 2 ** 27;

describe(`a line of ${LENGTH / 2 ** 20} MiB without a newline`, () => {
  /** Reads the log in a process of its own: what came of it, and how far its memory grew. */
  async function inProcess(root: string, way: string): Promise<{ outcome: string; growth: number }> {
    const program = programPath('memory/read-long-line');
    const args = [program, root, RUN_ID, logPath(root), way];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout);
  }

  test.for(['events', 'batches', 'the last three events', 'a decoder'])(
    'is ERR_LINE_TOO_LONG in bounded memory: %s',
    async way => {
      const root = temporaryVolume();
      const path = writeLog(root, lineOf(sampleEvent(0)));
      truncateSync(path, LENGTH);
      const { outcome, growth } = await inProcess(root, way);
      expect(outcome).toBe('ERR_LINE_TOO_LONG');
      expect(growth).toBeLessThan(64 * 2 ** 20);
    },
  );

  test('is passed over by a check, in bounded memory', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, lineOf(sampleEvent(0)));
    const fd = openSync(path, 'r+');
    writeSync(fd, `\n${lineOf(sampleEvent(1))}`, LENGTH);
    closeSync(fd);
    const { outcome, growth } = await inProcess(root, 'a check');
    expect(outcome).toBe('2,line-too-long');
    expect(growth).toBeLessThan(64 * 2 ** 20);
  });

  test('that ends at last, with events after it, is ERR_LINE_TOO_LONG too', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, lineOf(sampleEvent(0)));
    const fd = openSync(path, 'r+');
    writeSync(fd, `\n${lineOf(sampleEvent(1))}`, LENGTH);
    closeSync(fd);
    expect(await EventLog.read(root, RUN_ID, { last: 1 }).toArray()).toEqual([sampleEvent(1)]);
    const { outcome, growth } = await inProcess(root, 'the last two events');
    expect(outcome).toBe('ERR_LINE_TOO_LONG');
    expect(growth).toBeLessThan(64 * 2 ** 20);
  });
});
