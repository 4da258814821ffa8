/** What the command says where a call is not understood, and where it is and nothing comes of it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defineEvents, EventLog } from '../../src/index.js';
import { ABORTED, COMPLETED, writeRun } from '../support/cli-runs.js';
import { omneLog } from '../support/command.js';
import { spread } from '../support/rounds.js';
import { onTerminal } from '../support/screen.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

test.for([
  { args: ['ls', '-n', '-5'] },
  { args: ['prune', '--keep', '-1'] },
  { args: ['demo', '--dir', '--resume'] },
])('the mistake in $args is said in one line', async ({ args }) => {
  const { code, stdout, stderr } = await omneLog(args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^omne-log: Option '.*\n?See omne-log --help\.\n$/m);
  expect(stderr).not.toContain('\\n');
});

test('serve at an address that is none names it, and no path', async () => {
  const args = ['serve', '--host', '300.1.1.1', '--port', '0', '--root', temporaryVolume()];
  const { code, stderr } = await omneLog(args);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^omne-log: ERR_SYSTEM: no server at 300\.1\.1\.1:0: .*[^)]\n$/);
});

test.each(['--creds', '--stream'])(
  'serve with %s, which is about a server, and without --nats is a mistake',
  async option => {
    const { code, stderr } = await omneLog(['serve', option, 'x', '--root', temporaryVolume()]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--creds and --stream go with --nats')]);
  },
);

test('a command in a folder without a volume says how to name that folder', async () => {
  const { code, stderr } = await omneLog(['serve'], { cwd: temporaryVolume() });
  expect(code).toBe(2);
  expect(stderr).toContain('--root .');
});

test('mcp of a root that is not there says so at once', async () => {
  const { code, stdout, stderr } = await omneLog(['mcp', '--root', '/nowhere/at/all']);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^omne-log: ERR_ROOT_NOT_FOUND: .*\/nowhere\/at\/all/);
});

testWith(
  ['script'],
  'mcp on a terminal says that it waits for a client, and ends at the end of input',
  async () => {
    let ended = false;
    const { code, output } = await onTerminal(['mcp', '--root', temporaryVolume()], {
      onOutput: (soFar, child) => {
        if (ended || !soFar.includes('waiting for a client on stdin')) return;
        ended = true;
        child.stdin?.write('\u0004');
      },
    });
    expect([ended, code]).toEqual([true, 0]);
    expect(output).toContain('see omne-log mcp --help');
  },
);

describe('demo --resume', () => {
  test('of a run with events of its own says that it is no run of the demo, and leaves it as it is', async () => {
    const root = temporaryVolume();
    const events = defineEvents({ 'step.done': {} }, { terminal: ['step.done'] });
    const log = await EventLog.create(root, 'notes', { events });
    await log.append({ type: 'step.done' });
    await log.close();
    const { code, stderr } = await omneLog(['demo', '--resume', 'last', '--dir', root]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^omne-log: notes-\w{26} is no run of the demo/),
    ]);
  });

  test('of a run of another pipe likewise', async () => {
    const root = temporaryVolume();
    const { runId } = writeRun(root, 'feature', [[0, { type: 'pipe.started', pipe: 'feature' }]]);
    const { code, stderr } = await omneLog(['demo', '--resume', 'last', '--dir', root]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`${runId} is no run of the demo`)]);
    expect(await EventLog.read(root, runId).toArray()).toHaveLength(1);
  });
});

describe('without a command', () => {
  test.for(['--root DIR', '--root=DIR'])('%s shows what is going on there', async option => {
    const root = temporaryVolume();
    const { runId } = writeRun(root, 'feature', ABORTED);
    const { code, stdout, stderr } = await omneLog(option.replace('DIR', root).split(' '));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`${root}: 1 run\n`);
    expect(stdout).toContain(`omne-log show ${runId} --root ${root} `);
  });

  test('--root of a folder that is not there is an error', async () => {
    const { code, stderr } = await omneLog(['--root', '/nowhere/at/all']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('ERR_ROOT_NOT_FOUND')]);
  });

  test.for([
    [['--root'], '--root'],
    [['--root', '/tmp', 'ls'], 'the command comes first: omne-log ls --root /tmp'],
    [['--root', '/tmp', '--jsno'], "unknown option '--jsno'"],
    [['--rot', '/tmp'], 'did you mean --root?'],
  ] as const)('%j is wrong usage', async ([args, says]) => {
    const { code, stdout, stderr } = await omneLog(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(says);
  });
});

test('help, and help of a command, are what --help prints', async () => {
  expect(await omneLog(['help'])).toEqual(await omneLog(['--help']));
  expect(await omneLog(['help', 'ls'])).toEqual(await omneLog(['ls', '--help']));
  expect(await omneLog(['help', 'lss'])).toMatchObject({ code: 2, stdout: '' });
  expect(await omneLog(['help', 'ls', 'cat'])).toMatchObject({ code: 2, stdout: '' });
});

describe('where nothing matches', () => {
  const calls = (root: string) => [
    ['cat', 'last', '--node', 'NOSUCH', '--root', root],
    ['ls', '--pipe', '../x', '--root', root],
    ['ls', '--status', 'aborted', '--root', root],
    ['ls', '-n', '0', '--root', root],
    ['stats', '--pipe', 'NOSUCH', '--root', root],
    ['stats', '--since', '1s', '--root', root],
  ];

  test('nothing is printed into a pipe, and the exit code is 0', async () => {
    const root = temporaryVolume();
    writeRun(root, 'feature', COMPLETED);
    const asJson = [
      ['ls', '--pipe', 'NOSUCH', '--json', '--root', root],
      ['cat', 'last', '--node', 'NOSUCH', '--json', '--root', root],
    ];
    for (const args of [...calls(root), ...asJson])
      expect(await omneLog(args)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  testWith(['script'], 'a person on a terminal is told so', async () => {
    const root = temporaryVolume();
    writeRun(root, 'feature', COMPLETED);
    for (const args of spread(calls(root), 2)) {
      const { code, output } = await onTerminal(args);
      expect([code, output]).toEqual([0, expect.stringMatching(/^omne-log: no \w+ matches\r\n$/)]);
    }
    const empty = join(root, 'empty');
    mkdirSync(empty);
    expect((await onTerminal(['ls', '--root', empty])).output).toBe('omne-log: no runs\r\n');
  });
});

test('an iteration that is not there is an error, as a run is', async () => {
  const root = temporaryVolume();
  const { runId } = writeRun(root, 'feature', COMPLETED);
  expect(await omneLog(['text', runId, 'plan', '99', '--root', root])).toMatchObject({ code: 1, stdout: '' });
});
