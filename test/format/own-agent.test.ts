/** The agent of the page on events of one's own: however often it is killed, it goes on where its log ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { EventLog, type LogEvent } from '../../src/index.js';
import { runVocabulary } from '../../src/read/run-vocabulary.js';
import { placesOf } from '../../src/volume/places.js';
import { programs, withoutTypes } from '../support/pages.js';
import { packageFolder, sourcePath } from '../support/programs.js';
import { fullStrength } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const HEADING = 'An agent that survives a kill';
const agent = programs().find(({ heading }) => heading === HEADING);

function folderOfAgent(): string {
  const folder = temporaryVolume();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(packageFolder(), join(folder, 'node_modules', 'omne-event-log'), 'dir');
  writeFileSync(join(folder, 'agent.mjs'), withoutTypes(agent?.code ?? ''));
  copyFileSync(sourcePath('kill-after'), join(folder, 'kill-after.mjs'));
  return folder;
}

/** Runs the agent, to its end or until so many of its events are on disk. */
async function run(
  folder: string,
  killAfter = 0,
): Promise<{ signal: unknown; code: unknown; stdout: string }> {
  const env = { ...process.env, KILL_AFTER: `${killAfter}` };
  const child = spawn(process.execPath, ['--import', './kill-after.mjs', 'agent.mjs'], { cwd: folder, env });
  child.stderr.pipe(process.stderr);
  const [stdout, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { code, signal, stdout };
}

/** The events of the one run there is, without what differs from run to run. */
async function eventsIn(folder: string): Promise<object[]> {
  const runIds: string[] = [];
  for await (const { runId, ...facts } of EventLog.runs(folder)) {
    expect(facts).not.toHaveProperty('problem');
    runIds.push(runId);
  }
  const [runId = ''] = runIds;
  expect(runIds).toHaveLength(1);
  const events = await runVocabulary(placesOf(folder, runId));
  const all: LogEvent[] = await EventLog.read(folder, runId, { events }).toArray();
  return all.map(({ id: _, ts: __, run_id: ___, ...rest }) => rest);
}

const DONE = { code: 0, signal: null, stdout: '3 lines for 8 events\n' };
const KILLED = { code: null, signal: 'SIGKILL', stdout: '' };

test('the agent of the page, killed after any of its events, comes to the same end in one run', async () => {
  const quiet = folderOfAgent();
  expect(await run(quiet)).toEqual(DONE);
  const expected = await eventsIn(quiet);
  expect(expected).toHaveLength(8);
  expect(expected.at(-1)).toMatchObject({ type: 'answer.given', answer: '3 lines' });

  const folder = folderOfAgent();
  const step = fullStrength ? 1 : 3; // so many events more from kill to kill
  for (let killed = step; killed < expected.length; killed += step) {
    expect(await run(folder, step)).toEqual(KILLED);
    expect(await eventsIn(folder)).toEqual(expected.slice(0, killed));
  }
  expect(await run(folder)).toEqual(DONE);
  expect(await eventsIn(folder)).toEqual(expected);
}, 90_000);

test('a run that was killed before its first event is left alone', async () => {
  const folder = folderOfAgent();
  const phantom = join(folder, '.omne/var/runs/agent-01kp8g6dg0zg6axb6gqz17wf7m');
  mkdirSync(phantom, { recursive: true });
  writeFileSync(join(phantom, 'vocabulary.json'), '');
  expect(await run(folder)).toEqual(DONE);
});

test('killed after its last event it has ended its run, and begins another', async () => {
  const folder = folderOfAgent();
  expect(await run(folder, 8)).toEqual(KILLED);
  expect(await run(folder)).toEqual(DONE);
  const ended: string[] = [];
  for await (const { status } of EventLog.runs(folder)) ended.push(status);
  expect(ended).toEqual(['completed', 'completed']);
});
