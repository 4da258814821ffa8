/** Disks that fail for real: below an ext4 that still believes in them. */
import { execFileSync } from 'node:child_process';
import { expect } from 'vitest';
import { EventLog, verifyRun } from '../../src/index.js';
import { mountExt4, mountTmpfs } from '../support/faults/disks.js';
import { FileWitnesses } from '../support/faults/file-witnesses.js';
import { attempt, codesOf, expectSound, namesIn, type Outcome } from '../support/faults/outcomes.js';
import { testWith } from '../support/tools.js';

const error = (code: string) => expect.objectContaining({ code });

testWith(
  ['tmpfs', 'ext4'],
  'a disk with less room than its ext4 believes: the failed sync is final',
  async () => {
    // The write finds room in the ext4; the sync finds none below it. The kernel says ENOSPC, but the file has grown.
    const below = mountTmpfs('1m');
    const disk = mountExt4(below.root, '4M', '-O', '^has_journal');
    const log = await EventLog.create(disk.root, 'full');
    const witnesses = new FileWitnesses(disk.root, log.runId);
    below.fill();
    const outcomes: Outcome[] = [];
    for (let i = 0; outcomes.at(-1)?.code === undefined; i++) {
      outcomes.push(...(await attempt(log, [[`${i}`]], 500)));
    }
    expect(outcomes.at(-1)?.code).toBe('ERR_LOG_FAILED');
    below.free();
    const late = await attempt(log, [['late'], ['later']]);
    expect(codesOf(late)).toEqual(['ERR_LOG_FAILED', 'ERR_LOG_FAILED']);
    await log.close();
    expect(namesIn(disk.root, log.runId)).not.toContain('late');
    await expectSound(disk.root, log.runId, outcomes);
    await witnesses.finish(true);
  },
);

testWith(
  ['tmpfs', 'ext4'],
  'a disk that turns read-only: the append fails for good, reading goes on',
  async () => {
    // An error on the disk turns it read-only; a `remount,ro` would be refused while the log is open.
    const disk = mountExt4(mountTmpfs('8m').root, '3M', '-J', 'size=1');
    const log = await EventLog.create(disk.root, 'full');
    const kept = await attempt(log, [['a']]);
    execFileSync('mount', ['-o', 'remount,abort', disk.root]);
    const failed = [...(await attempt(log, [['b'], ['c']])), ...(await attempt(log, [['d']]))];
    expect(codesOf([...kept, ...failed])).toEqual(['kept', ...Array(3).fill('ERR_LOG_FAILED')]);
    expect(await log.read().toArray()).toMatchObject([{ gate: 'a' }]);
    await log.close();
    const readOnly = expect.objectContaining({ code: 'ERR_SYSTEM', cause: error('EROFS') });
    await expect(EventLog.open(disk.root, log.runId)).rejects.toEqual(readOnly);
    await expect(EventLog.create(disk.root, 'full')).rejects.toEqual(readOnly);
    expect(await verifyRun(disk.root, log.runId)).toMatchObject({ ok: true, events: 1 });
  },
);
