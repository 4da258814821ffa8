import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  decodeEvent,
  EventLog,
  type EventOf,
  type EventType,
  isTerminal,
  type RunEvent,
} from '../../src/index.js';
import { COMMAND, omneLog, runToEnd } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';

const root = mkdtempSync(join(tmpdir(), 'omne-test-'));
let stdout = '';
let logPath = '';
let lines: string[] = [];
let events: RunEvent[] = [];

beforeAll(async () => {
  const outcome = await omneLog(['demo', '--dir', root]);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  stdout = outcome.stdout;
  logPath = /^ {2}log +(.+)$/m.exec(stdout)?.[1] ?? '';
  const text = readFileSync(logPath, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  lines = text.slice(0, -1).split('\n');
  events = lines.map(line => decodeEvent(line));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the demo', () => {
  test('prints one line for each event of the log, in the order of the log', () => {
    const printed = stdout.split('\n').filter(line => /^\d\d:\d\d:\d\d\.\d{3}Z {2}/.test(line));
    expect(printed.map(line => line.split(/ +/).slice(0, 2))).toEqual(
      events.map(event => [event.ts.slice(11, 24), event.type]),
    );
  });

  test('logs a whole run: ids rise, the run id is that of the folder, the last event and no other is terminal', () => {
    const ids = events.map(event => event.id);
    expect(ids).toEqual([...new Set(ids)].sort());
    const runId = logPath.split('/').at(-2);
    expect(new Set(events.map(event => event.run_id))).toEqual(new Set([runId]));
    expect(events[0]?.type).toBe('pipe.started');
    expect(events.map(isTerminal).indexOf(true)).toBe(events.length - 1);
  });

  test('starts both nodes of the parallel step before either is completed', () => {
    const at = (type: EventType, node: string) => {
      const index = events.findIndex(
        event => event.type === type && 'node_id' in event && event.node_id === node,
      );
      expect(index, `${type} of ${node}`).not.toBe(-1);
      return index;
    };
    const lastStart = Math.max(at('node.started', 'count'), at('node.started', 'checksum'));
    const firstEnd = Math.min(at('node.completed', 'count'), at('node.completed', 'checksum'));
    expect(lastStart).toBeLessThan(firstEnd);
  });

  test('names captured outputs by a path from the volume root, and they hold what the children computed', () => {
    const notes = output('write');
    expect(notes).toBe('TODO greet Zoë\nTODO count the words\nTODO say au revoir à la fin\n');
    expect(output('count').trim()).toBe(String(notes.trim().split(/\s+/).length));
    expect(output('checksum').trim()).toBe(createHash('sha256').update(notes).digest('hex'));
  });

  test('points with each byte_offset right after the marker line, at the output of the iteration itself', () => {
    const started = ofType('iteration.started');
    expect(started.map(event => event.iteration)).toEqual([1, 2, 3]);
    const capture = readFileSync(join(root, outputPath('work-off')));
    const markers = started.map(event => `--- iteration ${event.iteration} ---\n`);
    const printed = [
      '✓ greet Zoë\n2 left\n',
      '✓ count the words\n1 left\n',
      '✓ say au revoir à la fin\n0 left\n',
    ];
    started.forEach(({ byte_offset }, index) => {
      const end = started[index + 1]?.byte_offset ?? capture.length;
      expect(capture.toString('utf8', byte_offset, end)).toBe(`${printed[index]}${markers[index + 1] ?? ''}`);
    });
    expect(capture.toString('utf8', 0, started[0]?.byte_offset)).toBe(markers[0]);
  });

  test('logs what the gate hook really printed', () => {
    const notes = readFileSync(join(workFolder(), 'notes.txt'), 'utf8');
    const done = notes.match(/^DONE/gm)?.length;
    const [gate] = ofType('gate.passed');
    expect(gate).toMatchObject({ node_id: 'work-off', gate: 'all-done', method: 'hook' });
    expect(gate?.stdout).toBe(`checked ${done} notes, all done\n`);
  });

  test('logs the standard error of the child that failed, and aborts the run for it', async () => {
    const same = await runToEnd(['sh', '-c', 'cp notes.txt published/notes.txt'], { cwd: workFolder() });
    expect(same.code).not.toBe(0);
    const [failed, ...others] = ofType('node.failed');
    expect(others).toEqual([]);
    expect(failed).toMatchObject({ node_id: 'publish', error: { kind: 'crash' }, message: same.stderr });
    expect(events.at(-1)).toMatchObject({
      type: 'pipe.aborted',
      reason: `node publish failed (exit code ${same.code}) and nothing in the pipe handles that`,
    });
  });

  test('replays in a process of its own as many events as the log has lines, and sums them up', () => {
    const [, replayed, reader, writer] =
      /events +(\d+), replayed by process (\d+), equal to those appended by process (\d+)/.exec(stdout) ?? [];
    expect(Number(replayed)).toBe(lines.length);
    expect(reader).not.toBe(writer);
    expect(stdout).toMatch(/^ {2}nodes +4 done, 1 failed$/m);
    expect(stdout).toMatch(/^ {2}iterations +3$/m);
    const duration = Date.parse(events.at(-1)?.ts ?? '') - Date.parse(events[0]?.ts ?? '');
    expect(stdout).toMatch(new RegExp(`^ {2}duration +${duration} ms$`, 'm'));
  });

  test('reports how long each of the durable appends took', () => {
    const [, count, total, median, max] =
      /appends +(\d+) durable ones in ([\d.]+) ms: median ([\d.]+) ms, max ([\d.]+) ms/.exec(stdout) ?? [];
    expect(Number(count)).toBe(lines.length);
    expect(Number(median)).toBeGreaterThan(0);
    expect(Number(max)).toBeGreaterThanOrEqual(Number(median));
    expect(Number(total)).toBeGreaterThan(Number(max));
  });

  test('makes a volume that is missing, and leaves the runs that are there alone', async () => {
    const volume = join(temporaryVolume(), 'new', 'volume');
    const first = await omneLog(['demo', '--dir', volume]);
    const second = await omneLog(['demo', '--dir', volume]);
    expect([first.code, second.code]).toEqual([0, 0]);
    const paths = [first, second].map(({ stdout: printed }) => /^ {2}log +(.+)$/m.exec(printed)?.[1] ?? '');
    expect(new Set(paths).size).toBe(2);
    for (const path of paths) expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(lines.length + 1);
  });

  test('ends quietly, and its run with it, when its reader leaves', async () => {
    const volume = temporaryVolume();
    const script = '{ "$0" "$1" demo --dir "$2"; echo "exit code $?" >&2; } | head -1';
    const outcome = await runToEnd(['sh', '-c', script, process.execPath, COMMAND, volume]);
    expect(outcome.stdout.split('\n')).toHaveLength(2);
    expect(outcome.stderr).toBe('exit code 0\n');
    expect(await lastEvent(volume)).toMatchObject({ type: 'pipe.aborted' });
  });

  test('ends its run when it is terminated by SIGTERM, and exits with 143', async () => {
    const volume = temporaryVolume();
    const outcome = await omneLog(['demo', '--dir', volume], {
      onStart: child => child.stdout?.once('data', () => child.kill('SIGTERM')),
    });
    expect(outcome).toMatchObject({ code: 143, stderr: '' });
    expect(await lastEvent(volume)).toMatchObject({ type: 'pipe.aborted', reason: 'terminated' });
  });
});

function ofType<T extends EventType>(type: T): EventOf<T>[] {
  return events.filter((event): event is EventOf<T> & RunEvent => event.type === type);
}

function outputPath(node: string): string {
  const path = ofType('node.completed').find(event => event.node_id === node)?.output_path ?? '';
  expect(path).toBe(`.omne/var/runs/${events[0]?.run_id}/nodes/${node}.out`);
  return path;
}

function output(node: string): string {
  return readFileSync(join(root, outputPath(node)), 'utf8');
}

function workFolder(): string {
  return join(dirname(logPath), 'work');
}

/** The last event of the only run in a volume. */
async function lastEvent(volume: string): Promise<RunEvent | undefined> {
  const [runId = '', ...others] = readdirSync(join(volume, '.omne', 'var', 'runs'));
  expect(others).toEqual([]);
  return (await EventLog.read(volume, runId, { last: 1 }).toArray())[0];
}

test('where there is no shell, Node programs do the work of the nodes: the same notes, the same end', async () => {
  const bare = temporaryVolume();
  const outcome = await omneLog(['demo', '--dir', bare], { env: { PATH: '' } });
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  const path = /^ {2}log +(.+)$/m.exec(outcome.stdout)?.[1] ?? '';
  const told = (text: string) => {
    const all = text
      .slice(0, -1)
      .split('\n')
      .map(line => decodeEvent(line));
    return all.map(event => `${event.type} ${'node_id' in event ? event.node_id : ''}`).sort();
  };
  expect(told(readFileSync(path, 'utf8'))).toEqual(told(lines.map(line => `${line}\n`).join('')));
  const outputs = (log: string) =>
    Object.fromEntries(
      readdirSync(join(dirname(log), 'nodes')).map(name => [
        name,
        readFileSync(join(dirname(log), 'nodes', name), 'utf8').trim(),
      ]),
    );
  expect(outputs(path)).toEqual(outputs(logPath));
});
