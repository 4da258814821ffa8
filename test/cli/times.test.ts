/** Times as the command shows them: in UTC, whatever their offset and precision in the log, and saying so. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { timeOfDay, utc } from '../../src/cli/screen/times.js';
import { placesOf } from '../../src/volume/places.js';
import { omneLog } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';

test.for<[string, string]>([
  ['2026-10-25T02:59:59+02:00', '2026-10-25T00:59:59.000Z'],
  ['2026-10-25T02:00:01.5+01:00', '2026-10-25T01:00:01.500Z'],
  ['2026-10-25T01:00:02.123456789Z', '2026-10-25T01:00:02.123Z'],
  ['2026-10-25T01:00:03Z', '2026-10-25T01:00:03.000Z'],
  ['2026-01-01T00:30:00-05:00', '2026-01-01T05:30:00.000Z'],
  ['yesterday', 'yesterday'],
  ['', ''],
])('%s is %s', ([ts, shown]) => {
  expect(utc(ts)).toBe(shown);
  expect(timeOfDay(ts)).toBe(shown.includes('T') ? shown.slice(11) : shown);
});

describe('a log of a program that writes local time', () => {
  const runId = 'tz-01kp8g6dg0zg6axb6gqz17wf7m';
  const LOCAL = ['2026-10-25T02:59:59+02:00', '2026-10-25T02:00:01.5+01:00'];

  function volume(times = LOCAL): string {
    const root = temporaryVolume();
    const { log } = placesOf(root, runId);
    mkdirSync(dirname(log), { recursive: true });
    const lines = times.map((ts, index) =>
      JSON.stringify({ type: 'pipe.started', id: `0${index}`, ts, run_id: runId, pipe: 'tz' }),
    );
    writeFileSync(log, `${lines.join('\n')}\n`);
    return root;
  }

  test.for(['cat', 'tail'])('%s', async command => {
    const root = volume([...LOCAL, 'a long time ago, and far away']);
    const args = [command, runId, '--root', root];
    const read = omneLog(args, {
      onStart: child =>
        void child.stdout?.on('data', text => text.includes('a long') && child.kill('SIGTERM')),
    });
    const { stdout } = await read;
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      '00:59:59.000Z  pipe.started                     tz',
      '01:00:01.500Z  pipe.started                     tz',
      'a long time …  pipe.started                     tz',
    ]);
  });

  test('ls --json, show and show --json', async () => {
    const root = volume();
    const shown = await Promise.all(
      [
        ['ls', '--json'],
        ['show', 'last'],
        ['show', 'last', '--json'],
      ].map(args => omneLog([...args, '--root', root])),
    );
    for (const { stdout } of shown) expect(stdout).toContain('2026-10-25T01:00:01.500Z');
    for (const { stdout } of shown) expect(stdout).not.toContain('+01:00');
  });

  test('cat --json gives the event as it is in the log', async () => {
    const { stdout } = await omneLog(['cat', runId, '--json', '--root', volume()]);
    expect(stdout).toContain('"ts":"2026-10-25T02:59:59+02:00"');
  });
});
