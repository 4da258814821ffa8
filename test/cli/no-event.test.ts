/** A run without an event is shown as one by every view, and all views agree on what a run is. */
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { placesOf } from '../../src/volume/places.js';
import { COMMAND, omneLog, runToEnd } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';

async function closed(root: string, text = ''): Promise<string> {
  const log = await EventLog.create(root, 'p');
  await log.close();
  writeFileSync(log.path, text);
  return log.runId;
}

test.for([
  { what: 'an empty log', text: '' },
  { what: 'no more than the beginning of a line', text: '{"type":"pi' },
])('ls, show and verify say "no event yet" of a run with $what', async ({ text }) => {
  const root = temporaryVolume();
  const runId = await closed(root, text);
  for (const command of [['ls'], ['show', runId], ['verify', runId], ['verify', '--all', '-v']])
    expect((await omneLog([...command, '--root', root])).stdout).toContain('no event yet');
});

test('of a live one ls says both', async () => {
  const root = temporaryVolume();
  await using _ = await EventLog.create(root, 'p');
  expect((await omneLog(['ls', '--root', root])).stdout).toContain('LIVE, no event yet');
});

test('a run whose folder holds no log is one to ls and to verify, and each says so', async () => {
  const root = temporaryVolume();
  const runId = await closed(root);
  const { folder, log } = placesOf(root, runId);
  rmSync(log);
  expect((await omneLog(['ls', '--root', root])).stdout).toMatch(/^▸ .* no event yet\n$/); // as long as it may be in the making
  const before = new Date(Date.now() - 600_000);
  utimesSync(folder, before, before);
  for (const command of [['ls'], ['verify', '--all'], ['show', runId]]) {
    const { stdout, stderr } = await omneLog([...command, '--root', root]);
    expect(stdout + stderr).toContain('no event yet: the run has no log');
  }
});

test('a file with the name of a run is none, to ls and to verify --all', async () => {
  const root = temporaryVolume();
  await (await EventLog.create(root, 'p')).close();
  const file = placesOf(root, await EventLog.allocate(root, 'p')).folder;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  expect((await omneLog(['ls', '--root', root])).stdout.trim().split('\n')).toHaveLength(1);
  const { code, stdout } = await omneLog(['verify', '--all', '--root', root]);
  expect([code, stdout]).toEqual([0, expect.stringContaining('1 run checked, 0 with problems')]);
});

test('verify --all that runs out of descriptors fails, and calls no run damaged', async () => {
  const root = temporaryVolume();
  await (await EventLog.create(root, 'p')).close();
  const none = `
    import fs from 'node:fs';
    const { openSync } = fs;
    fs.openSync = (path, ...rest) => {
      if (String(path).endsWith('events.jsonl')) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE', syscall: 'open' });
      return openSync(path, ...rest);
    };`;
  const url = `data:text/javascript,${encodeURIComponent(none)}`;
  const said = await runToEnd([
    process.execPath,
    '--import',
    url,
    COMMAND,
    'verify',
    '--all',
    '--root',
    root,
  ]);
  expect([said.code, said.stdout]).toEqual([1, '']);
  expect(said.stderr).toMatch(/ERR_SYSTEM: .*EMFILE/);
});
