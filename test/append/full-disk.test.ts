/**
 * Full disks, real ones: whatever room is left, a log keeps the appends that fit whole, refuses the others with
 * `ERR_NO_SPACE`, ends in a whole line, and goes on once there is room.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished } from 'vitest';
import { EventLog } from '../../src/index.js';
import { type Disk, mountExt4, mountTmpfs } from '../support/faults/disks.js';
import { FileWitnesses } from '../support/faults/file-witnesses.js';
import { attempt, codesOf, expectSound, gate, namesOf, type Outcome } from '../support/faults/outcomes.js';
import { Sweep } from '../support/faults/sweep.js';
import { spread } from '../support/rounds.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const error = (code: string) => expect.objectContaining({ code });
const range = (end: number, step = 1) => Array.from({ length: Math.ceil(end / step) }, (_, i) => i * step);

const EXT4 = {
  'ext4 without a journal': () => mountExt4(mountTmpfs('8m').root, '400K', '-O', '^has_journal', '-N', '200'),
  'ext4 with a journal': () => mountExt4(mountTmpfs('8m').root, '3M', '-J', 'size=1'),
};

describe('at every remainder, the appends that fit are kept and the others refused:', () => {
  testWith(['prlimit'], 'a file size limit', async () => {
    // The kernel also sends SIGXFSZ, whose default is to kill. Node ignores it from its start, so the write fails with
    // EFBIG; a program that hosts Node in another way has to ignore the signal itself.
    const limit = (bytes: number | 'unlimited') =>
      execFileSync('prlimit', ['--pid', `${process.pid}`, `--fsize=${bytes}:`]);
    onTestFinished(() => {
      limit('unlimited');
    });
    const sweep = await Sweep.start(temporaryVolume());
    for (const room of spread(range(6 * sweep.lineBytes, 5), 12)) {
      limit(sweep.size + room);
      await sweep.fillExactly(room);
    }
    limit('unlimited');
    await sweep.finish();
  });

  const PAGE = 4096;
  /** Leaves exactly so much room for the log on a tmpfs: the rest of its page, and whole pages. */
  async function leave(disk: Disk, sweep: Sweep, room: number): Promise<void> {
    disk.free(3); // the event that takes up the rest of a page may itself need more than one
    await sweep.endBefore(room % PAGE, PAGE);
    disk.fill(Math.floor(room / PAGE));
  }

  testWith(['tmpfs'], 'tmpfs, small events', async () => {
    const disk = mountTmpfs('6m');
    const sweep = await Sweep.start(disk.root);
    for (const room of spread(range(6 * sweep.lineBytes), 31)) {
      await leave(disk, sweep, room);
      await sweep.fillExactly(room);
    }
    disk.free();
    await sweep.finish();
  });

  testWith(['tmpfs'], 'tmpfs, events of several pages', async () => {
    const disk = mountTmpfs('6m');
    const sweep = await Sweep.start(disk.root);
    const aroundPages = range(10 * PAGE, PAGE).flatMap(end => [end + 1, end + PAGE - 1]);
    for (const room of [...spread(range(10 * PAGE, 512), 9), ...spread(aroundPages, 5)]) {
      await leave(disk, sweep, room);
      await sweep.fillExactly(room, 1.5 * PAGE);
    }
    disk.free();
    await sweep.finish();
  });

  for (const [name, mountDisk] of Object.entries(EXT4)) {
    testWith(['tmpfs', 'ext4'], name, async () => {
      // How much fits is for the file system to say: it may refuse a whole write where a part of it had room.
      const disk = mountDisk();
      const sweep = await Sweep.start(disk.root);
      const seen = new Set<string>();
      for (const room of spread(range(disk.blockBytes, 7), 11)) {
        disk.free();
        await sweep.endBefore(room, disk.blockBytes);
        disk.fill();
        seen.add((await sweep.fillUp()).join());
      }
      const refused = 'ERR_NO_SPACE';
      expect([...seen]).toEqual(
        expect.arrayContaining([[refused, refused, refused].join(), ['kept', refused, refused].join()]),
      );
      for (const codes of seen) expect(codes).toMatch(/^(kept,?)*((^|,)ERR_NO_SPACE)*$/);
      disk.free();
      await sweep.finish();
    });
  }
});

const NEEDS = ['tmpfs', 'ext4'] as const;
const DISKS = { tmpfs: () => mountTmpfs('256k'), ...EXT4 };

describe.each(Object.entries(DISKS))('on %s', (_, mountDisk) => {
  testWith(NEEDS, 'many appends at once until it is full, and again when there is room', async () => {
    const disk = mountDisk();
    await using log = await EventLog.create(disk.root, 'full');
    const witnesses = new FileWitnesses(disk.root, log.runId);
    const outcomes: Outcome[] = [];
    for (const round of ['first', 'second']) {
      disk.fill(20);
      for (let wave = 0; outcomes.at(-1)?.code === undefined; wave++) {
        const calls = range(64).map(i => [`${round} ${wave} ${i}`]);
        outcomes.push(...(await attempt(log, calls, 100)));
      }
      disk.free();
      outcomes.push(...(await attempt(log, [[`after the ${round}`]])));
    }
    expect(new Set(codesOf(outcomes))).toEqual(new Set(['kept', 'ERR_NO_SPACE']));
    expect(namesOf(outcomes).length).toBeGreaterThan(80);
    await log.close();
    await expectSound(disk.root, log.runId, outcomes);
    await witnesses.finish(false);
  });

  testWith(NEEDS, 'a run without room is not created, wherever the room ends', async () => {
    const disk = mountDisk();
    const seen = new Set<string>();
    for (const blocks of range(9)) {
      const root = join(disk.root, `${blocks}`);
      mkdirSync(root);
      disk.fill(blocks);
      await using log = await EventLog.create(root, 'full').catch(reason => {
        expect(reason).toEqual(error('ERR_NO_SPACE'));
        return undefined;
      });
      seen.add(log === undefined ? 'refused' : 'created');
      disk.free();
      const later = log ?? (await EventLog.create(root, 'full'));
      await later.close();
      await expectSound(root, later.runId, []);
    }
    expect([...seen].sort()).toEqual(['created', 'refused']);
  });

  testWith(NEEDS, 'a torn tail waits for room; a whole log is opened and read', async () => {
    const disk = mountDisk();
    const log = await EventLog.create(disk.root, 'full');
    await log.append(gate('a'));
    await log.close();
    disk.fill();
    const whole = await EventLog.open(disk.root, log.runId);
    await whole.close();
    disk.free();

    const torn = 'x'.repeat(5000);
    appendFileSync(log.path, torn);
    const before = readFileSync(log.path);
    disk.fill();
    await expect(EventLog.open(disk.root, log.runId)).rejects.toThrow(error('ERR_NO_SPACE'));
    expect(readFileSync(log.path)).toEqual(before);
    expect(readdirSync(dirname(log.path))).toEqual(['events.jsonl']);
    expect(await log.read().toArray()).toMatchObject([{ gate: 'a' }]);
    disk.free();
    await using mended = await EventLog.open(disk.root, log.runId);
    expect(mended.recovered?.bytes).toBe(torn.length);
    await expectSound(disk.root, log.runId, [{ names: ['a'] }]);
  });
});

testWith(['tmpfs'], 'no inode is left: wherever a run needs one, it is refused', async () => {
  const seen = new Set<string>();
  for (const inodes of range(9).slice(1)) {
    const { root } = mountTmpfs('256k', `,nr_inodes=${inodes}`);
    await using log = await EventLog.create(root, 'full').catch(reason => {
      expect(reason).toEqual(error('ERR_NO_SPACE'));
      return undefined;
    });
    seen.add(log === undefined ? 'refused' : 'created');
  }
  expect([...seen]).toEqual(['refused', 'created']);
});
