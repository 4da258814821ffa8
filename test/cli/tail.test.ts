/** Following a run while it happens, as a person at a terminal and as a program. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { ABORTED, abandon, COMPLETED, UNFINISHED, writeRun } from '../support/cli-runs.js';
import { COMMAND, omneLog, plainEnvironment } from '../support/command.js';
import { onTerminal, screenOf } from '../support/screen.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

/** A run of which one node is running. */
async function liveRun(root: string): Promise<EventLog> {
  const log = await EventLog.create(root, 'live');
  await log.appendAll([
    { type: 'pipe.started', pipe: 'live' },
    { type: 'node.started', node_id: 'plan', kind: 'prompt' },
    { type: 'node.completed', node_id: 'plan', output_path: 'nodes/plan.out' },
    { type: 'node.started', node_id: '修复\u001b[2J', kind: 'loop' },
    { type: 'iteration.started', node_id: '修复\u001b[2J', iteration: 1, byte_offset: 0 },
  ]);
  return log;
}

/** The process of the command that runs under script(1), which is of Linux. */
function commandUnder({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}

describe('omne-log tail on a terminal', () => {
  testWith(
    ['script'],
    'prints an event per line above a status line with what is running and for how long',
    async () => {
      const root = temporaryVolume();
      await using log = await liveRun(root);
      const statusLine = /^([⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]) 修复\\u001b\[2J \(([^,]+), iteration 1\), 1 done$/;
      const seen = new Map<string, string>(); // spinner -> elapsed
      const screens: string[][] = [];
      let ending: Promise<unknown> | undefined;
      const { code, output } = await onTerminal(['tail', 'last', '--root', root], {
        columns: 60,
        onOutput: soFar => {
          const screen = screenOf(soFar);
          screens.push(screen);
          const [, spinner, elapsed] = statusLine.exec(screen.at(-1) ?? '') ?? [];
          if (spinner !== undefined && elapsed !== undefined) seen.set(spinner, elapsed);
          if (seen.size < 4 || ending !== undefined) return;
          ending = log.appendAll([
            { type: 'node.completed', node_id: '修复\u001b[2J', output_path: 'nodes/fix.out' },
            { type: 'pipe.completed' },
          ]);
        },
      });
      await ending;
      expect(code).toBe(0);
      expect(new Set(seen.values()).size).toBeGreaterThan(1); // the time goes on
      for (const screen of screens) expect(screen.length).toBeLessThanOrEqual(8); // the status line takes one row
      const types = screenOf(output).map(line => line.split(/ +/)[1] ?? '');
      expect(types).toEqual([
        'pipe.started',
        'node.started',
        'node.completed',
        'node.started',
        'iteration.started',
        'node.completed',
        'pipe.completed',
        '',
      ]);
      expect(screenOf(output).at(-1)).toBe(''); // nothing is left of the status line
    },
  );

  testWith(['script'], 'cuts the status line to the width of the terminal', async () => {
    const root = temporaryVolume();
    await using log = await liveRun(root);
    let ending: Promise<unknown> | undefined;
    const statusLines = new Set<string>();
    await onTerminal(['tail', 'last', '--root', root], {
      columns: 16,
      onOutput: soFar => {
        const line = screenOf(soFar).at(-1) ?? '';
        if (/^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/.test(line)) statusLines.add(line.slice(2));
        if (statusLines.size > 0) ending ??= log.append({ type: 'pipe.completed' });
      },
    });
    await ending;
    expect([...statusLines][0]).toBe('修复\\u001b[2…');
  });

  const END: [string, number, (child: ChildProcess) => void][] = [
    ['Ctrl-C with 130', 130, child => child.stdin?.write('\u0003')],
    ['SIGINT with 130', 130, child => process.kill(commandUnder(child), 'SIGINT')],
    ['SIGTERM with 143', 143, child => process.kill(commandUnder(child), 'SIGTERM')],
  ];
  describe.each(END)('ends at %s', (_, expected, end) => {
    testWith(['script'], 'and leaves the screen in order', async () => {
      const root = temporaryVolume();
      await using log = await liveRun(root);
      let ended = false;
      const { code, output } = await onTerminal(['tail', log.runId, '--root', root], {
        onOutput: (soFar, child) => {
          if (ended || !soFar.includes('iteration 1')) return;
          ended = true;
          end(child);
        },
      });
      expect(code).toBe(expected);
      const screen = screenOf(output);
      expect(screen.at(-1)?.replace('^C', '')).toBe('');
      expect(screen).toHaveLength(6);
    });
  });

  testWith(['script'], 'draws nothing over on a dumb terminal', async () => {
    const root = temporaryVolume();
    writeRun(root, 'feature', COMPLETED);
    const { output } = await onTerminal(['tail', 'last', '--root', root], {
      env: { TERM: 'dumb', NO_COLOR: '1' },
    });
    expect(output).not.toContain('\u001b');
  });
});

describe('omne-log tail without a terminal', () => {
  test('prints with --json each event as soon as it is there, the very line of the log', async () => {
    const root = temporaryVolume();
    await using log = await liveRun(root);
    const child = spawn(process.execPath, [COMMAND, 'tail', log.runId, '--json', '--root', root], {
      env: plainEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      // Each one is appended only when the one before was seen: nothing is held back.
      if (lines.length >= 5 && lines.length < 8) {
        await log.append({
          type: 'iteration.started',
          node_id: 'n',
          iteration: lines.length,
          byte_offset: 0,
        });
      } else if (lines.length === 8) await log.append({ type: 'pipe.completed' });
    }
    expect((await closed)[0]).toBe(0);
    expect(`${lines.join('\n')}\n`).toBe(readFileSync(log.path, 'utf8'));
  });

  test('prints lines without a status line, and takes -f', async () => {
    const root = temporaryVolume();
    writeRun(root, 'feature', COMPLETED);
    const outcome = await omneLog(['tail', '-f', 'last', '--root', root]);
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout.trimEnd().split('\n')).toHaveLength(COMPLETED.length);
    expect(outcome.stdout).not.toContain('\r');
  });

  test('exits with 1 for an aborted run where --exit-status asks for it, otherwise with 0', async () => {
    const root = temporaryVolume();
    const { runId: aborted } = writeRun(root, 'feature', ABORTED);
    const { runId: completed } = writeRun(root, 'feature', COMPLETED, { start: Date.now() });
    const codeOf = async (...args: string[]) => (await omneLog(['tail', ...args, '--root', root])).code;
    expect(await codeOf(aborted)).toBe(0);
    expect(await codeOf(aborted, '--exit-status')).toBe(1);
    expect(await codeOf(completed, '--exit-status')).toBe(0);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends at %s with %d', async (signal, code) => {
    const root = temporaryVolume();
    await using log = await liveRun(root);
    const outcome = await omneLog(['tail', log.runId, '--root', root], {
      onStart: child => child.stdout?.once('data', () => child.kill(signal)),
    });
    expect(outcome).toMatchObject({ code, stderr: '' });
  });
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a command whose reader has stalled ends at the first %s', async (signal, code) => {
  const root = temporaryVolume();
  await using log = await EventLog.create(root, 'live');
  await log.append({ type: 'pipe.aborted', reason: 'x'.repeat(1024 * 1024) }); // more than a pipe takes
  const child = spawn(process.execPath, [COMMAND, 'cat', log.runId, '--json', '--root', root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'readable'); // some came, and nobody reads on
  child.kill(signal);
  expect(await once(child, 'exit')).toEqual([code, null]);
});

describe('omne-log tail of a run that was left', () => {
  test('ends with 3 where the exit code is asked for, and says why', async () => {
    const root = temporaryVolume();
    abandon(writeRun(root, 'left', UNFINISHED));
    const { code, stdout, stderr } = await omneLog(['tail', 'last', '--exit-status', '--root', root]);
    expect(code).toBe(3);
    expect(stdout.trimEnd().split('\n')).toHaveLength(UNFINISHED.length);
    expect(stderr).toMatch(
      /^omne-log: no writer holds the run, and it has not ended: no writer, .* was running/,
    );
  });

  testWith(['script'], 'says so in a status line that does not move, until somebody resumes it', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'left', UNFINISHED);
    abandon(run);
    let resuming: Promise<unknown> | undefined;
    const { code, output } = await onTerminal(['tail', 'last', '--root', root], {
      onOutput: soFar => {
        if (resuming !== undefined || !soFar.includes('no writer, ')) return;
        resuming = EventLog.resume(root, run.runId).then(async ({ log }) => {
          await log.append({ type: 'pipe.aborted', reason: 'given up' });
          await log.close();
        });
      },
    });
    await resuming;
    expect(code).toBe(0);
    expect(stripVTControlCharacters(output)).toContain('! no writer, publish was running, 3 done');
    expect(screenOf(output).join('\n')).toContain('given up');
  });
});
