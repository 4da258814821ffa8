/** A file is written as a whole, or not at all. */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeWhole } from '../../src/cli/write-whole.js';
import { COMPLETED, writeRun } from '../support/cli-runs.js';
import { omneLog } from '../support/command.js';
import { mountTmpfs } from '../support/faults/disks.js';
import { testNotOnWindows, testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

describe('writeWhole', () => {
  testNotOnWindows(
    'it has no such modes',
    'replaces a file, also through a link, and keeps its mode',
    async () => {
      const folder = temporaryVolume();
      const [file, link] = [join(folder, 'file'), join(folder, 'link')];
      writeFileSync(file, 'old', { mode: 0o640 });
      symlinkSync(file, link);
      await writeWhole(link, 'new');
      expect(readFileSync(file, 'utf8')).toBe('new');
      expect(lstatSync(link).isSymbolicLink()).toBe(true);
      expect(statSync(file).mode & 0o777).toBe(0o640);
      expect(readdirSync(folder).sort()).toEqual(['file', 'link']);
    },
  );

  testNotOnWindows('it has no such devices', 'writes to a device and leaves it one', async () => {
    await writeWhole('/dev/null', 'text');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test('names the file it could not write, and leaves nothing', async () => {
    const folder = temporaryVolume();
    mkdirSync(join(folder, 'there'));
    await expect(writeWhole(join(folder, 'not', 'file'), 'text')).rejects.toMatchObject({
      code: 'ERR_SYSTEM',
      path: join(folder, 'not', 'file'),
    });
    expect(readdirSync(folder)).toEqual(['there']);
  });
});

testWith(['tmpfs'], 'timeline on a full disk leaves what was there, and nothing else', async () => {
  const root = temporaryVolume();
  const { runId } = writeRun(root, 'feature', COMPLETED);
  const disk = mountTmpfs('64k');
  writeFileSync(join(disk.root, 'old.html'), 'old');
  disk.fill();
  for (const name of ['old.html', 'new.html']) {
    const outcome = await omneLog(['timeline', runId, '--html', join(disk.root, name), '--root', root]);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain(`ERR_NO_SPACE`);
    expect(outcome.stderr).toContain(name);
  }
  expect(readFileSync(join(disk.root, 'old.html'), 'utf8')).toBe('old');
  expect(readdirSync(disk.root).sort()).toEqual(['filler', 'old.html']);
});
