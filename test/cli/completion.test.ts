/** The completion scripts, asked as the shells ask them. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadCommand } from '../../src/cli/commands/table.js';
import { defineEvents, EVENT_TYPES, EventLog, field } from '../../src/index.js';
import { COMPLETED, writeRun } from '../support/cli-runs.js';
import { COMMAND, COMMANDS, omneLog, runToEnd } from '../support/command.js';
import { spread } from '../support/rounds.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

/** A volume with two runs, and an environment in which `omne-log` is a command. */
function volume(): { root: string; env: NodeJS.ProcessEnv; runIds: string[] } {
  const root = temporaryVolume();
  const older = writeRun(root, 'nightly', COMPLETED, { start: Date.now() - 9_000_000 });
  const newer = writeRun(root, 'feature', COMPLETED);
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'bin', 'omne-log'), `#!/bin/sh\nexec '${process.execPath}' '${COMMAND}' "$@"\n`);
  chmodSync(join(root, 'bin', 'omne-log'), 0o755);
  const env = { PATH: `${join(root, 'bin')}${delimiter}${process.env['PATH']}`, HOME: root };
  return { root, env, runIds: [newer.runId, older.runId] };
}

/** What a shell prints when it runs a script in a volume. */
async function lines(
  shell: readonly [string, ...string[]],
  root: string,
  env: NodeJS.ProcessEnv,
): Promise<string[]> {
  const { stdout, stderr } = await runToEnd(shell, { cwd: root, env });
  expect(stderr).toBe('');
  return stdout.trimEnd().split('\n');
}

/** A completion script, asked for once: a shell that asks for it each time is slow. */
async function script(shell: string): Promise<string> {
  return (await omneLog(['completion', shell])).stdout;
}

const ZSH = await script('zsh');
const FISH = await script('fish');
const ASK_BASH = `${await script('bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _omne_log; printf '%s\\n' "\${COMPREPLY[@]}"`;

describe('omne-log completion', () => {
  test('bash completes commands, options, values and runs', async () => {
    const { root, env, runIds } = volume();
    const ask = (...words: string[]) => lines(['bash', '-c', ASK_BASH, 'bash', ...words], root, env);
    expect(await ask('omne-log', '')).toEqual([...COMMANDS, 'help', '--help', '--version']);
    expect(await ask('omne-log', 'help', '')).toEqual(COMMANDS);
    expect(await ask('omne-log', 'show', '')).toEqual(['last', ...runIds]);
    expect(await ask('omne-log', 'tail', 'fea')).toEqual(runIds.slice(0, 1));
    expect(await ask('omne-log', 'ls', '--status', '')).toEqual(['running', 'completed', 'aborted']);
    expect(await ask('omne-log', 'cat', '--type', 'gate')).toEqual(['gate.passed']);
    expect(await ask('omne-log', 'tail', '--')).toEqual([
      '--follow',
      '--json',
      '--exit-status',
      '--max-line-bytes',
      '--root',
      '--nats',
      '--creds',
      '--stream',
      '--help',
    ]);
    expect(await ask('omne-log', 'completion', '')).toEqual(['bash', 'zsh', 'fish', 'powershell']);
  });

  /** A volume whose newest run has events of its own. */
  async function ownEvents() {
    const { root, env, runIds } = volume();
    const events = defineEvents({ 'step.done': { step: field.string() }, 'step.ended': {} });
    const log = await EventLog.create(root, 'steps', { events });
    await log.close();
    return { root, env, runId: log.runId, builtIn: runIds[0] ?? '' };
  }

  test('bash completes types of the run that is on the line, or of the newest runs', async () => {
    const { root, env, runId, builtIn } = await ownEvents();
    const ask = (...words: string[]) =>
      lines(['bash', '-c', ASK_BASH, 'bash', 'omne-log', ...words], root, env);
    const asked = [
      { words: ['cat', runId, '--type', ''], offered: ['step.done', 'step.ended'] },
      { words: ['cat', 'last', '--type', 'g'], offered: ['gate.passed'] }, // the newest has not begun
      { words: ['cat', builtIn, '--type', 's'], offered: [''] },
      { words: ['cat', '--type', 's'], offered: ['step.done', 'step.ended'] },
      { words: ['cat', 'no-run', '--type', 'gate'], offered: ['gate.passed'] },
      { words: ['cat', '--type', 'gate'], offered: ['gate.passed'] },
    ];
    for (const { words, offered } of spread(asked, 2)) expect(await ask(...words)).toEqual(offered);
  });

  testWith(['zsh', 'fish'], 'zsh and fish ask for them too', async () => {
    const { root, env, runId } = await ownEvents();
    const zsh = `${ZSH}\ncompadd() { print -l -- \${(P)@[-1]}; }; words=(cat ${runId} --type ''); _omne_log_types`;
    expect(await lines(['zsh', '-f', '-c', zsh], root, env)).toEqual(['step.done', 'step.ended']);
    const fish = `${FISH}\ncomplete -C 'omne-log cat ${runId} --type s'`;
    const offered = await lines(['fish', '--no-config', '-c', fish], root, env);
    expect(offered.map(each => each.split('\t')[0])).toEqual(['step.done', 'step.ended']);
  });

  test('types are the built-in ones where there is no volume, and a shell takes no run', async () => {
    const { code, stdout, stderr } = await omneLog(['completion', 'types'], { cwd: '/' });
    expect([code, stdout.trim().split('\n'), stderr]).toEqual([0, EVENT_TYPES, '']);
    expect(await omneLog(['completion', 'bash', 'last'])).toMatchObject({ code: 2, stdout: '' });
  });

  testWith(['zsh'], 'zsh completes commands, options, values and runs', async () => {
    const { root, env, runIds } = volume();
    const ask = (...words: string[]) => {
      const asking = `${ZSH}
        _describe() { print -l -- \${(P)2}; }; compadd() { print -l -- \${(P)@[-1]}; }; _arguments() { print -l -- "$@"; }
        words=(${words.map(word => `'${word}'`).join(' ')}); CURRENT=\${#words}; _omne_log; true`;
      return lines(['zsh', '-f', '-c', asking], root, env);
    };
    expect((await ask('omne-log', '')).map(line => line.split(':')[0])).toEqual([...COMMANDS, 'help']);
    expect(await ask('omne-log', 'help', '')).toEqual([`1:COMMAND:(${COMMANDS.join(' ')})`]);
    const show = await ask('omne-log', 'show', '');
    expect(show).toContain('1:RUN:_omne_log_runs');
    expect(show).toContain('--json[Print the state of the run as one JSON object.]');
    expect(await ask('omne-log', 'ls', '')).toContain(
      '--status[Only runs with this status.]:STATUS:(running completed aborted)',
    );
    const runs = `${ZSH}\ncompadd() { print -l -- \${(P)@[-1]}; }; _omne_log_runs`;
    expect(await lines(['zsh', '-f', '-c', runs], root, env)).toEqual(['last', ...runIds]);
  });

  testWith(['fish'], 'fish completes commands, options, values and runs', async () => {
    const { root, env, runIds } = volume();
    const ask = async (line: string) => {
      const asking = `${FISH}\ncomplete -C '${line}'`;
      return (await lines(['fish', '--no-config', '-c', asking], root, env)).map(each => each.split('\t')[0]);
    };
    expect((await ask('omne-log ')).sort()).toEqual([...COMMANDS, 'help'].sort());
    expect((await ask('omne-log help ')).sort()).toEqual([...COMMANDS].sort());
    expect(await ask('omne-log show ')).toEqual(['last', ...runIds]);
    expect((await ask('omne-log ls --status ')).sort()).toEqual(['aborted', 'completed', 'running']);
    expect(await ask('omne-log tail --exit')).toEqual(['--exit-status']);
  });

  /** Every command as the table has it, with the flags of its options. */
  async function commandTable() {
    const loaded = await Promise.all(COMMANDS.map(loadCommand));
    return loaded.flatMap(command => {
      if (command === undefined) throw new Error('a command is listed that is not there');
      const flags = Object.entries(command.options).flatMap(([long, { short }]) => [
        ...(short === undefined ? [] : [`-${short}`]),
        `--${long}`,
      ]);
      return { name: command.name, options: Object.entries(command.options), flags };
    });
  }

  test('bash offers each option that the table has of a command, and each value, and no other', async () => {
    const { root, env } = volume();
    const commands = await commandTable();
    const asked = commands.flatMap(({ name, options, flags }) => [
      { words: [name, '-'], wanted: flags },
      ...options.flatMap(([long, { choices, completion }]) =>
        choices === undefined || completion !== undefined
          ? []
          : [{ words: [name, `--${long}`, ''], wanted: choices }],
      ),
    ]);
    const each = asked.map(({ words }) => `ask omne-log ${words.map(word => `'${word}'`).join(' ')}`);
    const script = `source <(omne-log completion bash) # as in ~/.bashrc
      ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _omne_log; echo "\${COMPREPLY[@]}"; }
      ${each.join('\n')}`;
    expect(await lines(['bash', '-c', script], root, env)).toEqual(
      asked.map(({ wanted }) => wanted.join(' ')),
    );
  });

  testWith(['zsh', 'fish'], 'zsh and fish offer each option of each command too', async () => {
    const { root, env } = volume();
    const commands = await commandTable();
    const wanted = commands.map(({ name, flags }) => `${name}: ${[...flags].sort().join(' ')}`);
    /** What a shell prints for one command after the other, each after a line `= NAME`. */
    const offered = (printed: readonly string[], flagOf: (line: string) => string | undefined) =>
      printed
        .join('\n')
        .split(/^= /m)
        .slice(1)
        .map(part => {
          const [name, ...rest] = part.trimEnd().split('\n');
          return `${name}: ${[...new Set(rest.flatMap(line => flagOf(line) ?? []))].sort().join(' ')}`;
        });
    const names = COMMANDS.join(' ');
    const zsh = `source <(omne-log completion zsh); _arguments() { print -l -- "$@" }
      for name in ${names}; do print "= $name"; words=(omne-log $name -); CURRENT=3; _omne_log; done`;
    const specs = await lines(['zsh', '-f', '-c', zsh], root, env);
    expect(offered(specs, spec => /^(?:\*|\([^)]*\))?(--?[\w-]+)\[/.exec(spec)?.[1])).toEqual(wanted);
    // No run is completed here: the command need not be started for each that takes one.
    const fish = `omne-log completion fish | source; function omne-log; end
      for name in ${names}; echo "= $name"; complete -C "omne-log $name -"; complete -C "omne-log $name --"; end`;
    const answers = await lines(['fish', '--no-config', '-c', fish], root, env);
    expect(offered(answers, answer => answer.split('\t')[0])).toEqual(wanted);
  });

  // There is no PowerShell here to ask: what is held is that the script knows all that the others know, and quotes it.
  test('the script for PowerShell names every command, its options, choices and operands', async () => {
    const { stdout, stderr } = await omneLog(['completion', 'powershell']);
    expect(stderr).toBe('');
    const listed = [...COMMANDS, 'help', '--help', '--version'].map(name => `'${name}'`).join(', ');
    expect(stdout).toContain(`if ($at -le 1) { @(${listed}) }`);
    expect(stdout).toContain(`'ls --status' = @('running', 'completed', 'aborted')`);
    expect(stdout).toContain(`'cat --type' = @('TYPES')`);
    expect(stdout).toContain(`'completion' = @('bash', 'zsh', 'fish', 'powershell')`);
    expect(stdout).toContain(`'show' = @('last', 'RUN')`);
    expect(stdout).toContain(`'help' = @(${COMMANDS.map(name => `'${name}'`).join(', ')})`);
    expect(stdout).toMatch(/'tail' = @\('-f', .*'--follow'|'tail' = @\('--follow'/);
    const text = stdout.replace(/'(?:[^']|'')*'/g, ''); // without what is quoted, brackets are in pairs
    for (const [open, close] of ['()', '{}', '[]'].map(pair => [...pair]))
      expect(text.split(open ?? '').length, open).toBe(text.split(close ?? '').length);
  });

  test('the scripts ask for runs without reading a log, and quietly where there is no volume', async () => {
    const { root, runIds } = volume();
    const broken = 'zzz-7zzzzzzzzzzzzzzzzzzzzzzzzz';
    mkdirSync(join(root, '.omne', 'var', 'runs', broken));
    expect(await omneLog(['completion', 'runs', '--root', root])).toEqual({
      code: 0,
      stdout: `${[broken, ...runIds].join('\n')}\n`,
      stderr: '',
    });
    expect(await omneLog(['completion', 'runs', '--root', temporaryVolume()])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });
});
