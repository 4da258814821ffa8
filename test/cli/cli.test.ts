import { appendFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { COMMAND, COMMANDS, omneLog, runToEnd } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';

const ESCAPE = '\u001b';

describe('omne-log', () => {
  test('prints its help and the help of each command to stdout', async () => {
    const overview = await omneLog(['--help']);
    expect(overview).toMatchObject({ code: 0, stderr: '' });
    const commands = [...overview.stdout.matchAll(/^ {2}(\w+) {2}/gm)].map(([, name = '']) => name);
    expect(commands).toEqual(COMMANDS);
    for (const command of commands) {
      const help = await omneLog([command, '--help']);
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout).toMatch(new RegExp(`^Usage: omne-log ${command} `));
      expect(help.stdout).toContain('--help');
    }
  });

  test('prints the version of the package', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await omneLog(['--version'])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });

  test.each([
    { args: [], says: 'a command is missing' },
    { args: ['dance'], says: "unknown command 'dance'" },
    { args: ['--dance'], says: "unknown option '--dance'" },
    { args: ['demo', '--dance'], says: "unknown option '--dance'" },
    { args: ['demo', '--dir'], says: '--dir' },
    { args: ['demo', 'slowly'], says: "unexpected argument 'slowly'" },
    { args: ['cat'], says: 'RUN is missing' },
    { args: ['cat', 'a', 'b'], says: "unexpected argument 'b'" },
    { args: ['ls', '--status', 'lost'], says: '--status takes one of running, completed, aborted' },
    { args: ['ls', '-n', 'many'], says: "-n takes a whole number, not 'many'" },
    { args: ['show', 'last'], says: 'name one with --root', cwd: tmpdir() },
    { args: ['verify'], says: 'either RUN or --all' },
    { args: ['verify', 'last', '--all'], says: 'either RUN or --all' },
    { args: ['text', 'last'], says: 'NODE is missing' },
    { args: ['timeline', 'last'], says: '--html FILE is missing' },
    { args: ['completion', 'tcsh'], says: "SHELL is one of bash, zsh, fish, powershell, not 'tcsh'" },
  ])(
    'exits with 2 and prints nothing to stdout when called as omne-log $args',
    async ({ args, says, cwd }) => {
      const outcome = await omneLog(args, cwd === undefined ? {} : { cwd });
      expect(outcome).toMatchObject({ code: 2, stdout: '' });
      expect(outcome.stderr).toContain(says);
    },
  );

  test('exits with 1 and names the code of an error and the next step', async () => {
    const root = temporaryVolume();
    const missing = await omneLog(['cat', 'notes-01kp8g6dg0zg6axb6gqz17wf7m', '--root', root]);
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toMatch(/^omne-log: ERR_RUN_NOT_FOUND: /);
    expect(missing.stderr).toContain(`run \`omne-log ls --root ${root}\` to see the runs there are\n`);
    const invalid = await omneLog(['cat', `../../${ESCAPE}[2J`, '--root', root]);
    expect(invalid.stderr).toMatch(/^omne-log: ERR_INVALID_RUN_ID: /);
    expect(invalid.stderr).not.toContain(ESCAPE);
  });
});

describe('omne-log cat', () => {
  test('prints with --json the very lines of the log', async () => {
    const { root, runId, path } = await hostileRun();
    const outcome = await omneLog(['cat', runId, '--json', '--root', root]);
    expect(outcome).toEqual({ code: 0, stdout: readFileSync(path, 'utf8'), stderr: '' });
  });

  test('prints one harmless line for each event, whatever its texts hold', async () => {
    const { root, runId } = await hostileRun();
    const { code, stdout } = await omneLog(['cat', runId, '--root', root]);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(4 + 1);
    expect(stdout).not.toMatch(
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/,
    );
    expect(stdout).toContain('\\u001b[31mred\\n\\u202egnp.exe\\u2028');
  });

  test('shows colours only where they are wanted', async () => {
    const { root, runId } = await hostileRun();
    const args = ['cat', runId, '--root', root];
    expect((await omneLog(args)).stdout).not.toContain(ESCAPE);
    expect((await omneLog(args, { env: { FORCE_COLOR: '1' } })).stdout).toContain(
      `${ESCAPE}[31mpipe.aborted`,
    );
  });

  test('prints the events before a damaged line, then fails and says where it is', async () => {
    const { root, runId, path } = await hostileRun();
    const offset = readFileSync(path).length;
    appendFileSync(path, '{"type":"nonsense"}\n');
    const outcome = await omneLog(['cat', runId, '--root', root]);
    expect(outcome.code).toBe(1);
    expect(outcome.stdout.split('\n')).toHaveLength(4 + 1);
    expect(outcome.stderr).toMatch(/^omne-log: ERR_MALFORMED_LINE: /);
    expect(outcome.stderr).toContain(`line 5, byte offset ${offset}`);
    expect(outcome.stderr).toContain(`run \`omne-log verify ${runId} --root ${root}\``);
  });

  test('finds the volume upwards from the working folder', async () => {
    const { root, runId } = await hostileRun();
    const inside = await omneLog(['cat', runId], { cwd: `${root}/.omne/var` });
    expect(inside.code).toBe(0);
    const outside = await omneLog(['cat', runId], { cwd: temporaryVolume() });
    expect(outside).toMatchObject({ code: 2, stdout: '' });
    expect(outside.stderr).toContain('--root');
  });

  test('ends quietly when its reader leaves, however long the log is', async () => {
    const root = temporaryVolume();
    await using log = await EventLog.create(root, 'long');
    const message = 'x'.repeat(1000);
    const drafts = Array.from({ length: 2000 }, () => ({
      type: 'node.failed' as const,
      node_id: 'a',
      error: { kind: 'crash' as const },
      message,
    }));
    await log.appendAll(drafts);
    const script = '{ "$0" "$1" cat "$2" --root "$3"; echo "exit code $?" >&2; } | head -1';
    const outcome = await runToEnd(['sh', '-c', script, process.execPath, COMMAND, log.runId, root]);
    expect(outcome.stdout).toContain(message);
    expect(outcome.stderr).toBe('exit code 0\n');
  });
});

/** A run of four events whose texts try to fool a terminal. */
async function hostileRun(): Promise<{ root: string; runId: string; path: string }> {
  const root = temporaryVolume();
  await using log = await EventLog.create(root, 'hostile');
  const evil = `${ESCAPE}[31mred\n\u202egnp.exe\u2028\u0085\u2066\u007f\u200f!`;
  await log.appendAll([
    { type: 'pipe.started', pipe: 'hostile', inputs: [{ key: evil, value: evil }] },
    { type: 'node.started', node_id: evil, kind: 'prompt', name: evil, model: evil },
    { type: 'node.failed', node_id: evil, error: { kind: 'crash' }, message: evil },
    { type: 'pipe.aborted', reason: evil },
  ]);
  return { root, runId: log.runId, path: log.path };
}
