/** The views of runs that have ended or lie still: what a person gets to see, and programs with `--json`. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/command.js';
import { widthOf } from '../../src/cli/screen/width.js';
import { deriveRunState, EventLog } from '../../src/index.js';
import {
  ABORTED,
  abandon,
  COMPLETED,
  type Step,
  UNFINISHED,
  type WrittenRun,
  writeCapture,
  writeRun,
} from '../support/cli-runs.js';
import { type Outcome, omneLog } from '../support/command.js';
import { writeLog } from '../support/logs.js';
import { onTerminal, screenOf } from '../support/screen.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const EVIL =
  '\u001b[31mred\u001b]0;title\u0007\n\u202egnp.exe\u2028\u0085\u2066\u007f\u200f<script>alert(1)</script>';

/** A volume with a completed, an aborted, an abandoned, a damaged and an empty run, oldest first. */
function someRuns(): {
  root: string;
  runs: Record<'good' | 'bad' | 'left' | 'damaged' | 'empty', WrittenRun>;
} {
  const root = temporaryVolume();
  const at = (minutesAgo: number) => ({ start: Date.now() - minutesAgo * 60_000 });
  const runs = {
    good: writeRun(root, 'feature', COMPLETED, at(50)),
    bad: writeRun(root, 'feature', ABORTED, at(40)),
    left: writeRun(root, 'nightly', UNFINISHED, at(30)),
    damaged: writeRun(root, 'nightly', UNFINISHED, { ...at(20), rest: '{"type":"nonsense"}\n' }),
    empty: writeRun(root, 'other', [], at(10)),
  };
  abandon(runs.left);
  return { root, runs };
}

describe('omne-log ls', () => {
  test('lists runs newest first: status, age, duration, nodes, and remarks', async () => {
    const { root, runs } = someRuns();
    await using live = await EventLog.create(root, 'busy');
    await live.append({ type: 'pipe.started', pipe: 'busy' });
    const { code, stdout, stderr } = await omneLog(['ls', '--root', root]);
    expect([code, stderr]).toEqual([0, '']);
    const rows = stdout.trimEnd().split('\n');
    expect(rows.map(row => row.split(/ +/).slice(0, 2))).toEqual([
      ['▸', live.runId],
      ['▸', runs.empty.runId],
      ['!', runs.damaged.runId],
      ['▸', runs.left.runId],
      ['✗', runs.bad.runId],
      ['✓', runs.good.runId],
    ]);
    expect(rows[0]).toMatch(/ 0\/0 nodes done +LIVE$/);
    expect(rows[1]).toMatch(/10 m ago .*no event yet$/);
    expect(rows[2]).toMatch(/malformed line: .* \(line 14, byte offset \d+\)$/);
    expect(rows[3]).toMatch(/30 m ago +- +3\/4 nodes done +ORPHAN$/);
    expect(rows[4]).toMatch(/40 m ago +4 m 00 s +3\/4 nodes done, 1 failed +node publish failed$/);
    expect(rows[5]).toMatch(/50 m ago +4 m 00 s +4\/4 nodes done$/);
    expect(new Set(rows.map(row => row.indexOf(' nodes')).values()).size).toBe(1); // straight
  });

  test('chooses by pipe, status and number', async () => {
    const { root, runs } = someRuns();
    const idsOf = async (...args: string[]) => {
      const { stdout } = await omneLog(['ls', '--root', root, '--json', ...args]);
      return stdout.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line).runId]));
    };
    expect(await idsOf('--pipe', 'feature')).toEqual([runs.bad.runId, runs.good.runId]);
    expect(await idsOf('--status', 'aborted')).toEqual([runs.bad.runId]);
    expect(await idsOf('-n', '2')).toEqual([runs.empty.runId, runs.damaged.runId]);
    expect(await idsOf('-n', '0')).toEqual([]);
  });

  test('prints with --json what EventLog.runs gives, one object a line', async () => {
    const { root } = someRuns();
    const { stdout } = await omneLog(['ls', '--root', root, '--json']);
    const expected: unknown[] = [];
    for await (const run of EventLog.runs(root, { reverse: true }))
      expected.push(JSON.parse(JSON.stringify(run)));
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toEqual(expected);
  });

  test('prints nothing for a volume without runs', async () => {
    expect(await omneLog(['ls', '--root', temporaryVolume()])).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('omne-log show', () => {
  test('draws the nodes as a tree, in straight columns', async () => {
    const { root, runs } = someRuns();
    const { code, stdout } = await omneLog(['show', runs.bad.runId, '--root', root]);
    expect(code).toBe(0);
    const start = JSON.parse(readFileSync(runs.bad.path, 'utf8').split('\n')[0] ?? '').ts;
    expect(stdout).toBe(`✗ ${runs.bad.runId}  aborted after 4 m 00 s
  node publish failed
  started ${start}, 4 nodes, 15 events, distro 2.4.1
  task = 修复登录
├─ ✓  plan      prompt   sonnet    47.9 s
├─ ✓  実装する  prompt   sonnet  1 m 08 s  attempt 2 (1 failed), 🔐 build it
├─ ✓  fix-loop  loop             1 m 34 s  2 iterations
│     gate tests passed (hook): 142 passed
└─ ✗  publish   command            15.4 s
      crash
      remote rejected
      exit 1
`);
  });

  test('prints with --json the run state', async () => {
    const { root, runs } = someRuns();
    const { stdout } = await omneLog(['show', runs.bad.runId, '--root', root, '--json']);
    const events = await EventLog.read(root, runs.bad.runId).toArray();
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(deriveRunState(events))));
    expect(stdout.trimEnd()).not.toContain('\n');
  });

  test('shows what can be read of a damaged log, then fails and names the next step', async () => {
    const { root, runs } = someRuns();
    const { code, stdout, stderr } = await omneLog(['show', runs.damaged.runId, '--root', root]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/└─ ▸ {2}publish/);
    expect(stderr).toContain('ERR_MALFORMED_LINE');
    expect(stderr).toContain(`\`omne-log verify ${runs.damaged.runId} --root ${root}\``);
  });

  test('says whether a writer holds a run that has not ended', async () => {
    const { root, runs } = someRuns();
    await using live = await EventLog.create(root, 'busy');
    expect((await omneLog(['show', live.runId, '--root', root])).stdout).toContain('running, LIVE');
    expect((await omneLog(['show', runs.left.runId, '--root', root])).stdout).toContain(
      'running, but no writer',
    );
  });

  testWith(['script'], 'cuts lines to the terminal, wide characters counted as two', async () => {
    const { root, runs } = someRuns();
    const { output } = await onTerminal(['show', runs.bad.runId, '--root', root], { columns: 44 });
    const row = screenOf(output).find(line => line.includes('実装する')) ?? '';
    expect(row.endsWith('…')).toBe(true);
    expect(widthOf(row)).toBeLessThanOrEqual(44);
    expect(output).toContain('\u001b['); // colours, as it is a terminal
    const plain = await onTerminal(['show', runs.bad.runId, '--root', root], { env: { NO_COLOR: '1' } });
    expect(plain.output).not.toContain('\u001b[');
  });
});

testWith(['script'], 'ls and show fit a narrow window', async () => {
  const { root, runs } = someRuns();
  const reason = 'the reason is longer than the window is wide';
  const inputs = [
    { key: 'prompt', value: 'a prompt of many words '.repeat(40) },
    { key: 'a-key-as-long-as-the-window-is-wide-or-so', value: 'x' },
  ];
  const long = await EventLog.create(root, 'a-pipe-with-a-name-as-long-as-a-window');
  await long.append({ type: 'pipe.started', pipe: 'a-pipe-with-a-name-as-long-as-a-window', inputs });
  await long.append({ type: 'pipe.aborted', reason });
  await long.close();
  for (const args of [['ls'], ['show', runs.bad.runId], ['show', long.runId]]) {
    const { output } = await onTerminal([...args, '--root', root], { columns: 40 });
    const lines = screenOf(output).filter(line => line !== '');
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.filter(line => widthOf(line) > 40)).toEqual([]);
    if (args.length > 1) expect(output).toContain('aborted after');
  }
});

test('the manual names every exit code', () => {
  const manual = readFileSync(new URL('../../src/cli/README.md', import.meta.url), 'utf8');
  const named = /^- Exit codes: (.*)$/m.exec(manual)?.[1] ?? '';
  expect(named.match(/\b\d+\b/g)?.map(Number)).toEqual(Object.values(EXIT));
  expect(named).toContain('orphan');
});

describe('a run is named', () => {
  test('by its id, a unique beginning of it or of its ULID, or as the last one', async () => {
    const { root, runs } = someRuns();
    const ofRun = async (name: string) =>
      (await omneLog(['cat', name, '-n', '1', '--json', '--root', root])).stdout;
    const expected = await ofRun(runs.good.runId);
    expect(expected).toContain(runs.good.runId);
    // The ULIDs differ in their time, ten minutes apart.
    expect(await ofRun(runs.good.runId.slice(0, -16))).toBe(expected);
    expect(await ofRun(runs.good.runId.slice(-26, -16))).toBe(expected);
    expect(await omneLog(['cat', runs.empty.runId, '--root', root])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    }); // the empty one
  });

  test('not by a beginning that several share, or none has', async () => {
    const { root, runs } = someRuns();
    const several = await omneLog(['cat', 'feat', '--root', root]);
    expect(several.code).toBe(2);
    expect(several.stderr).toContain(`'feat' begins 2 runs: ${runs.bad.runId}, ${runs.good.runId}`);
    const none = await omneLog(['cat', 'nosuch', '--root', root]);
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain("ERR_RUN_NOT_FOUND: no run begins with 'nosuch'");
    expect((await omneLog(['cat', 'last', '--root', temporaryVolume()])).stderr).toContain(
      'ERR_RUN_NOT_FOUND',
    );
  });
});

describe('omne-log cat', () => {
  test('chooses by type, node, number and what comes after an event, forwards and backwards', async () => {
    const { root, runs } = someRuns();
    const events = await EventLog.read(root, runs.bad.runId).toArray();
    const ids = (stdout: string) =>
      stdout.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line).id]));
    const cat = async (...args: string[]) =>
      ids((await omneLog(['cat', runs.bad.runId, '--json', '--root', root, ...args])).stdout);
    const expected = (keep: (event: (typeof events)[number]) => boolean) =>
      events.filter(keep).map(({ id }) => id);
    const types = expected(({ type }) => type === 'gate.passed' || type === 'pipe.aborted');
    expect(await cat('--type', 'gate.passed', '--type', 'pipe.aborted')).toEqual(types);
    expect(await cat('--type', 'gate.passed', '--type', 'pipe.aborted', '--reverse')).toEqual(
      types.reverse(),
    );
    const loop = expected(event => 'node_id' in event && event.node_id === 'fix-loop');
    expect(await cat('--node', 'fix-loop')).toEqual(loop);
    expect(await cat('--node', 'fix-loop', '-n', '2')).toEqual(loop.slice(0, 2));
    expect(await cat('--node', 'fix-loop', '-n', '2', '--reverse')).toEqual(loop.slice(-2).reverse());
    const all = events.map(({ id }) => id);
    expect(await cat('--after', all[9] ?? '')).toEqual(all.slice(10));
    expect(await cat('--after', all[9] ?? '', '--reverse')).toEqual(all.slice(10).reverse());
    expect(await cat('--reverse', '-n', '0')).toEqual([]);
  });

  test('prints backwards, after an event, what it prints forwards, also where ids do not rise', async () => {
    const { root, runs } = someRuns();
    const [first] = await EventLog.read(root, runs.good.runId, { limit: 1 }).toArray();
    const lines = ['m', 'z', 'b', 'c', 'd', 'b', 'e'].map((id, index) =>
      JSON.stringify({ ...first, id, pipe: `pipe-${index}` }),
    );
    writeFileSync(runs.good.path, `${lines.join('\n')}\n`);
    const cat = async (...args: string[]) => {
      const { stdout } = await omneLog(['cat', runs.good.runId, '--json', '--root', root, ...args]);
      return stdout.split('\n').slice(0, -1);
    };
    // The last of two with one id, the last of all, and none with this id; readers are tested with all of them.
    for (const after of ['b', 'e', 'n']) {
      const forwards = await cat('--after', after);
      expect(await cat('--after', after, '--reverse'), after).toEqual(forwards.toReversed());
      expect(await cat('--after', after, '--reverse', '-n', '2'), after).toEqual(
        forwards.toReversed().slice(0, 2),
      );
    }
    expect((await cat('--after', 'z', '--reverse')).length).toBe(5);
  });

  test('prints backwards what comes after a damaged line, then fails and says where it is', async () => {
    const { root, runs } = someRuns();
    const good = readFileSync(runs.good.path, 'utf8').trimEnd().split('\n').at(-1) ?? '';
    appendFileSync(runs.damaged.path, `${good}\n{"torn`);
    const offset = readFileSync(runs.damaged.path, 'utf8').indexOf('{"type":"nonsense"}');
    const bytes = Buffer.byteLength(readFileSync(runs.damaged.path, 'utf8').slice(0, offset));
    const { code, stdout, stderr } = await omneLog([
      'cat',
      runs.damaged.runId,
      '--json',
      '--reverse',
      '--root',
      root,
    ]);
    expect([code, stdout]).toEqual([1, `${good}\n`]);
    expect(stderr).toContain(`byte offset ${bytes}`);
  });
});

describe('omne-log text', () => {
  const captured = 'in\n-one\ntwo\n';

  test('prints what a node printed, or one iteration', async () => {
    const { root, runs } = someRuns();
    writeCapture(runs.good, 'fix-loop', captured);
    const text = (...args: string[]) =>
      omneLog(['text', runs.good.runId, 'fix-loop', ...args, '--root', root]);
    expect(await text()).toEqual({ code: 0, stdout: captured, stderr: '' });
    expect((await text('1')).stdout).toBe(captured.slice(4, 8));
    expect((await text('2')).stdout).toBe(captured.slice(8));
    expect((await text('3')).stderr).toContain("node 'fix-loop' has no iteration 3; it has 1 to 2");
  });

  test('keeps the attempts of a loop apart, and takes the latest where an iteration is in several', async () => {
    const root = temporaryVolume();
    const start = { type: 'node.started', node_id: 'loop', kind: 'loop' } as const;
    const iteration = (iteration: number, byte_offset: number) =>
      ({ type: 'iteration.started', node_id: 'loop', iteration, byte_offset }) as const;
    const run = writeRun(root, 'feature', [
      [0, start],
      [1, iteration(1, 1)],
      [2, iteration(2, 5)],
      [3, start],
      [4, iteration(1, 10)],
    ]);
    writeCapture(run, 'loop', '-1.1-1.2\n-2.1\n');
    const text = (...args: string[]) => omneLog(['text', run.runId, 'loop', ...args, '--root', root]);
    expect((await text('1')).stdout).toBe('2.1\n');
    expect((await text('2')).stdout).toBe('1.2\n-');
    expect((await text('1', '--attempt', '1')).stdout).toBe('1.1-');
    expect((await text('--attempt', '1')).stdout).toBe('1.1-1.2\n-');
    expect((await text('--attempt', '3')).stderr).toContain(
      'no iterations of attempt 3; it has attempts 1 to 2',
    );
    expect((await text('2', '--attempt', '2')).stderr).toContain('no iteration 2 of attempt 2');
  });

  test('passes on the very bytes where stdout is no terminal', async () => {
    const { root, runs } = someRuns();
    writeCapture(runs.good, 'plan', EVIL);
    expect((await omneLog(['text', runs.good.runId, 'plan', '--root', root])).stdout).toBe(EVIL);
  });

  testWith(['script'], 'escapes what a node printed on a terminal, and keeps its lines', async () => {
    const { root, runs } = someRuns();
    writeCapture(runs.good, 'plan', `${EVIL}\tend\r\nlast\n`);
    const { output } = await onTerminal(['text', runs.good.runId, 'plan', '--root', root]);
    expect(output.split('\r\n')[0]).toBe('\\u001b[31mred\\u001b]0;title\\u0007');
    expect(output).toContain('</script>\tend\r\nlast\r\n');
    expect(output.replace(/[\r\t]/g, '')).not.toMatch(CONTROLS);
  });

  test('names the next step when there is no capture, and follows no link', async () => {
    const { root, runs } = someRuns();
    writeCapture(runs.good, 'fix-loop', captured);
    const missing = await omneLog(['text', runs.good.runId, 'plan', '--root', root]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('ERR_CAPTURE_NOT_FOUND');
    expect(missing.stderr).toContain(`\`omne-log show ${runs.good.runId} --root ${root}\``);
    symlinkSync('/etc/passwd', join(runs.good.folder, 'nodes', 'plan.out'));
    for (const node of ['plan', '../../x']) {
      const outcome = await omneLog(['text', runs.good.runId, node, '--root', root]);
      expect(outcome).toMatchObject({ code: 1, stdout: '' });
      expect(outcome.stderr).toContain('ERR_UNSAFE_PATH');
    }
  });

  test('follows no link in the place of the folder of captures either', async () => {
    const { root, runs } = someRuns();
    const outside = temporaryVolume();
    writeCapture({ ...runs.good, folder: outside }, 'plan', 'secret');
    symlinkSync(join(outside, 'nodes'), join(runs.good.folder, 'nodes'));
    const outcome = await omneLog(['text', runs.good.runId, 'plan', '--root', root]);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain('ERR_UNSAFE_PATH');
  });
});

test.each([['show', 'last'], ['verify', '--all'], ['completion', 'runs'], ['ls']])(
  'omne-log %s %s lists no runs through a link',
  async (...args) => {
    const { root } = someRuns();
    const linked = temporaryVolume();
    mkdirSync(join(linked, '.omne', 'var'), { recursive: true });
    symlinkSync(join(root, '.omne', 'var', 'runs'), join(linked, '.omne', 'var', 'runs'));
    const outcome = await omneLog([...args.filter(arg => arg !== undefined), '--root', linked]);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain('ERR_UNSAFE_PATH');
  },
);

test('of two runs with one ULID, as two volumes put together have them, the last is the same each time', async () => {
  const { root } = someRuns();
  const ulid = '7zzzzzzzzzzzzzzzzzzzzzzzzz';
  for (const pipe of ['b', 'c', 'a']) writeLog(root, '', `${pipe}-${ulid}`);
  const { stdout } = await omneLog(['completion', 'runs', '--root', root]);
  expect(stdout.split('\n').slice(0, 3)).toEqual([`c-${ulid}`, `b-${ulid}`, `a-${ulid}`]);
});

describe('omne-log verify and repair', () => {
  test('verify passes a good log and names everything that is wrong with a bad one', async () => {
    const { root, runs } = someRuns();
    const good = await omneLog(['verify', runs.good.runId, '--root', root]);
    expect(good.code).toBe(0);
    expect(good.stdout).toMatch(/^✓ \S+ {2}ok, 15 events, [\d.]+ kB\n$/);
    const bad = await omneLog(['verify', runs.damaged.runId, '--root', root]);
    expect(bad).toMatchObject({ code: 1, stderr: '' });
    expect(bad.stdout).toMatch(/line 14, byte \d+: malformed: unknown event type/);
    expect(bad.stdout).toContain(`run \`omne-log show ${runs.damaged.runId} --root ${root}\``);
    const missing = await omneLog(['verify', 'feature-01kp8g6dg0zg6axb6gqz17wf7m', '--root', root]);
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toContain('ERR_RUN_NOT_FOUND');
  });

  test('verify shows the first twenty problems and warnings, and counts the others', async () => {
    const folder = temporaryVolume();
    const gates: Step[] = Array.from({ length: 25 }, (_, index) => [
      index,
      { type: 'gate.passed', node_id: `n${index}`, gate: 'g', method: 'hook' },
    ]);
    const { runId } = writeRun(folder, 'feature', gates, { rest: 'nonsense\n'.repeat(22) });
    const { code, stdout } = await omneLog(['verify', runId, '--root', folder]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/ 22 problems, 25 warnings, 25 events, /);
    expect(stdout.match(/: malformed: /g)).toHaveLength(20);
    expect(stdout.match(/: warning: gate-without-start: /g)).toHaveLength(20);
    expect(stdout).toMatch(/^ {4}\.\.\. and 2 more$/m);
    expect(stdout).toMatch(/^ {4}\.\.\. and 5 more warnings$/m);
  });

  test('verify --all checks every run, also after one that cannot be read, and prints what is wrong, with -v each run', async () => {
    const { root, runs } = someRuns();
    const linked = join(runs.good.folder, '..', 'aaa-00000000000000000000000000');
    mkdirSync(linked);
    symlinkSync(runs.good.path, join(linked, 'events.jsonl'));
    const quiet = await omneLog(['verify', '--all', '--root', root]);
    expect(quiet.stdout.match(/^! \S+/gm)).toEqual([
      '! aaa-00000000000000000000000000',
      `! ${runs.damaged.runId}`,
    ]);
    expect(quiet.stdout).not.toContain(`✓ ${runs.good.runId}`);
    const warned = quiet.stdout.match(/^✓ .*$/gm) ?? [];
    expect(warned.filter(line => !line.includes('warning'))).toEqual([]);
    expect(quiet.stdout).toMatch(/\n6 runs checked, 2 with problems\n$/);
    const { code, stdout } = await omneLog(['verify', '--all', '-v', '--root', root]);
    expect([code, quiet.code]).toEqual([1, 1]);
    expect(stdout.match(/^[✓!] \S+/gm)).toEqual([
      '! aaa-00000000000000000000000000',
      `✓ ${runs.good.runId}`,
      `✓ ${runs.bad.runId}`,
      `✓ ${runs.left.runId}`,
      `! ${runs.damaged.runId}`,
      `✓ ${runs.empty.runId}`,
    ]);
    expect(stdout).toContain('ERR_UNSAFE_PATH');
    expect(stdout).toMatch(/\n6 runs checked, 2 with problems\n$/);
  });

  testWith(['script'], 'verify draws a progress bar on a terminal, and leaves nothing of it', async () => {
    const { root, runs } = someRuns();
    const line = `${readFileSync(runs.good.path, 'utf8').split('\n')[1]}\n`;
    appendFileSync(runs.good.path, line.repeat(Math.ceil(60_000_000 / line.length)));
    const { code, output } = await onTerminal(['verify', runs.good.runId, '--root', root]);
    expect(code).toBe(1);
    expect(output).toMatch(/━─* +\d+ % of [\d.]+ MB/);
    const screen = screenOf(output);
    expect(screen.join('\n')).not.toContain('━');
    expect(screen[0]).toMatch(/^! \S+ {2}\d+ problems/);
    expect(screen.at(-1)).toBe('');
  });

  test('repair cuts a torn tail, says so, and keeps the bytes; verify had named the command', async () => {
    const { root, runs } = someRuns();
    const whole = readFileSync(runs.left.path);
    appendFileSync(runs.left.path, '{"type":"node.st');
    const advice = /`omne-log (repair \S+ --root \S+)`/.exec(
      (await omneLog(['verify', runs.left.runId, '--root', root])).stdout,
    );
    const repaired = await omneLog((advice?.[1] ?? '').split(' '));
    expect(repaired.code).toBe(0);
    expect(repaired.stdout).toContain(
      `16 torn bytes cut at byte ${whole.length}, kept in ${runs.left.path}.torn-`,
    );
    expect(readFileSync(runs.left.path)).toEqual(whole);
    const kept = readdirSync(runs.left.folder).find(name => name.includes('.torn-')) ?? '';
    expect(readFileSync(join(runs.left.folder, kept), 'utf8')).toBe('{"type":"node.st');
    const again = await omneLog(['repair', runs.left.runId, '--root', root]);
    expect(again).toMatchObject({
      code: 0,
      stdout: `${runs.left.runId}: the tail is whole, nothing was changed\n`,
    });
  });

  test('repair leaves other damage as it is', async () => {
    const { root, runs } = someRuns();
    const before = readFileSync(runs.damaged.path);
    const outcome = await omneLog(['repair', runs.damaged.runId, '--root', root]);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain('ERR_LOG_CORRUPT');
    expect(outcome.stderr).toContain('omne-log verify');
    expect(readFileSync(runs.damaged.path)).toEqual(before);
  });
});

test('no view lets a text of an event reach the terminal unescaped', async () => {
  const root = temporaryVolume();
  writeRun(root, 'hostile', [
    [0, { type: 'pipe.started', pipe: EVIL, inputs: [{ key: EVIL, value: EVIL }], distro_version: EVIL }],
    [1, { type: 'node.started', node_id: EVIL, kind: 'prompt', name: EVIL, model: EVIL }],
    [2, { type: 'gate.passed', node_id: EVIL, gate: EVIL, method: 'hook', stdout: EVIL }],
    [3, { type: 'node.failed', node_id: EVIL, error: { kind: 'crash' }, message: EVIL }],
    [4, { type: 'pipe.aborted', reason: EVIL }],
  ]);
  const views = [
    ['ls'],
    ['show', 'last'],
    ['cat', 'last'],
    ['cat', 'last', '--reverse'],
    ['tail', 'last'],
    ['verify', 'last'],
  ];
  const outcomes: Outcome[] = [];
  for (const view of views) outcomes.push(await omneLog([...view, '--root', root]));
  for (const { code, stdout, stderr } of outcomes) {
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toMatch(CONTROLS);
  }
  expect(outcomes.map(({ stdout }) => stdout.trimEnd().split('\n').length)).toEqual([1, 9, 5, 5, 5, 5]);
});
