/** The demo interrupted after any event and resumed: each node completes once, the run ends, and nothing is wrong with its log. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { deriveRunState, EventLog, type RunEvent, verifyRun } from '../../src/index.js';
import { COMMAND, type Outcome, omneLog, runToEnd } from '../support/command.js';
import { rounds } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const EVENT_LINE = /^\d\d:\d\d:\d\d\.\d{3}Z {2}/gm;
/** What the demo logs without an interruption. */
const EVENTS = 16;
const NODES = ['write', 'count', 'checksum', 'work-off'];

const KILL = fileURLToPath(new URL('../support/kill-printed.mjs', import.meta.url));

/** Runs the demo until so many of its events are on disk; it is dead then, before it takes the next step. */
async function killedAfter(volume: string, events: number): Promise<void> {
  const demo = [COMMAND, 'demo', '--dir', volume];
  const env = { KILL_AFTER: `${events}` };
  expect(await runToEnd([process.execPath, '--import', KILL, ...demo], { env })).toMatchObject({
    code: null,
  });
}

/** Runs the demo and presses Ctrl-C when it has printed so many events: once, for a second time would end it at once. */
function interrupted(volume: string, events: number): Promise<Outcome> {
  let printed = '';
  let pressed = false;
  return omneLog(['demo', '--dir', volume], {
    onStart: child =>
      child.stdout?.on('data', (chunk: Buffer) => {
        printed += chunk;
        if (pressed || (printed.match(EVENT_LINE)?.length ?? 0) < events) return;
        pressed = true;
        child.kill('SIGINT');
      }),
  });
}

async function onlyRun(volume: string): Promise<{ runId: string; events: RunEvent[] }> {
  const runs: string[] = [];
  for await (const { runId } of EventLog.runs(volume)) runs.push(runId);
  expect(runs).toHaveLength(1);
  const [runId = ''] = runs;
  return { runId, events: await EventLog.read(volume, runId).toArray() };
}

async function resumeAndCheck(volume: string): Promise<void> {
  const outcome = await omneLog(['demo', '--resume', 'last', '--dir', volume]);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  const { runId, events } = await onlyRun(volume);
  const ends = events.filter(({ type }) => type === 'node.completed' || type === 'node.failed');
  expect(ends.map(event => ('node_id' in event ? event.node_id : '')).sort()).toEqual(
    [...NODES, 'publish'].sort(),
  );
  expect(events.filter(({ type }) => type === 'pipe.started')).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({ type: 'pipe.aborted' });
  expect(await verifyRun(volume, runId)).toMatchObject({ ok: true, ended: true, problems: [] });
  const { nodes } = deriveRunState(events);
  for (const node of nodes) expect(node.attempts).toBe(1 + node.interruptedAttempts);
  const notes = readFileSync(join(volume, '.omne/var/runs', runId, 'work', 'notes.txt'), 'utf8');
  expect(notes).toBe('DONE greet Zoë\nDONE count the words\nDONE say au revoir à la fin\n');
}

describe('the demo, killed and resumed', () => {
  const tried = Math.max(3, rounds(EVENTS - 1)); // all of them in a full run, else spread over the run
  const places = Array.from({ length: tried }, (_, index) => {
    return 1 + Math.round((index * (EVENTS - 2)) / (tried - 1));
  });

  test.for(places)('after event %i completes each node once and ends the run', async count => {
    const volume = temporaryVolume();
    await killedAfter(volume, count);
    await resumeAndCheck(volume);
  });

  test('by Ctrl-C leaves the run, and says how to go on', async () => {
    const volume = temporaryVolume();
    const outcome = await interrupted(volume, 4);
    expect(outcome.code).toBe(130);
    expect(outcome.stderr).toContain(`go on with it: omne-log demo --resume last --dir ${volume}`);
    expect((await onlyRun(volume)).events.map(({ type }) => type)).not.toContain('pipe.aborted');
    await resumeAndCheck(volume);
    const again = await omneLog(['demo', '--resume', 'last', '--dir', volume]);
    expect(again).toMatchObject({ code: 1 });
    expect(again.stderr).toContain('ERR_RUN_ENDED');
  });

  test('is not resumed while it runs', async () => {
    const volume = temporaryVolume();
    let second: Promise<Outcome> | undefined;
    await omneLog(['demo', '--dir', volume], {
      onStart: child =>
        child.stdout?.on('data', (chunk: Buffer) => {
          if (second !== undefined || chunk.toString().match(EVENT_LINE) === null) return;
          child.kill('SIGSTOP');
          second = omneLog(['demo', '--resume', 'last', '--dir', volume]);
          void second.finally(() => child.kill('SIGCONT'));
        }),
    });
    expect((await second)?.stderr).toContain('ERR_RUN_OWNED');
    expect(await second).toMatchObject({ code: 1 });
  });
});
