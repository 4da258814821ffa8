/** One iteration of a loop as the command, the live page and the server for agents show it: without the marker line of the next. */
import { expect, test } from 'vitest';
import type { OutputAnswer } from '../../../src/web.js';
import { type Step, writeCapture, writeRun } from '../../support/cli-runs.js';
import { omneLog } from '../../support/command.js';
import { toolsOf } from '../../support/mcp-client.js';
import { temporaryVolume } from '../../support/volume.js';
import { askJson, serverOf } from '../../support/web-client.js';

test('one iteration is shown without the marker of the next, and with what only looks like one', async () => {
  const root = temporaryVolume();
  const parts = ['', 'one\n--- 7 ---\n', 'two, no newline', '--- 3 ---\nfour', 'five\n'];
  const marker = (index: number) => `--- ${index} of 4: 12:0${index}.${index}51 ---\n`;
  const texts = parts.map((part, index) => (index === 0 ? part : `${marker(index)}${part}`));
  const start = { type: 'node.started', node_id: 'loop', kind: 'loop' } as const;
  const begun = [1, 2, 3, 4].map((iteration): Step => {
    const byte_offset = texts.slice(0, iteration).join('').length + marker(iteration).length;
    return [iteration, { type: 'iteration.started', node_id: 'loop', iteration, byte_offset }];
  });
  const run = writeRun(root, 'feature', [[0, start], ...begun.slice(0, 3), [5, start], ...begun.slice(3)]);
  writeCapture(run, 'loop', texts.join(''));
  const text = async (...args: string[]) =>
    (await omneLog(['text', run.runId, 'loop', ...args, '--root', root])).stdout;
  expect(await text()).toBe(texts.join(''));
  expect([await text('1'), await text('2'), await text('3'), await text('4')]).toEqual(parts.slice(1));
  expect(await text('--attempt', '1')).toBe(`${parts[1]}${texts[2]}${texts[3]}`);
  expect(await text('--attempt', '2')).toBe(parts[4]);
  const call = await toolsOf(root);
  const { text: said } = await call('read_output', { run: run.runId, node: 'loop', iteration: 2 });
  expect(said).toMatch(/, no newline\n/);
  expect(said).not.toContain('of 4');
});

test('nothing is left out of what an executor without markers captured, though lines repeat', async () => {
  const root = temporaryVolume();
  const captured = '3 left\n2 left\n1 left\n';
  for (const [head, offsets] of [
    ['', [0, 7, 14]],
    ['begin\n', [6, 13, 20]],
    ['\n', [1, 8, 15]],
  ] as const) {
    const begun = offsets.map((byte_offset, index): Step => {
      return [index, { type: 'iteration.started', node_id: 'loop', iteration: index + 1, byte_offset }];
    });
    const run = writeRun(root, 'feature', begun);
    writeCapture(run, 'loop', `${head}${captured}`);
    const { stdout } = await omneLog(['text', run.runId, 'loop', '2', '--root', root]);
    expect(stdout).toBe('2 left\n');
  }
});

test.each([
  ['begins with a number', '1: next\n', 'seen 42', '2: next\n', 'seen 422: next\n'],
  ['has no number', '}\n', '', '{"a":1}\n', '{"a":1}\n'],
  ['has no number, where it is a whole line', '----\n', 'a\n', '----\n', 'a\n'],
])('a marker that %s takes nothing of a line that was printed', async (_, first, printed, next, shown) => {
  const root = temporaryVolume();
  const run = writeRun(root, 'feature', [
    [0, { type: 'iteration.started', node_id: 'n', iteration: 1, byte_offset: first.length }],
    [
      1,
      {
        type: 'iteration.started',
        node_id: 'n',
        iteration: 2,
        byte_offset: `${first}${printed}${next}`.length,
      },
    ],
  ]);
  writeCapture(run, 'n', `${first}${printed}${next}last\n`);
  expect((await omneLog(['text', run.runId, 'n', '1', '--root', root])).stdout).toBe(shown);
});

test('the live page leaves it out of an iteration of the latest attempt, also of a file that was begun again', async () => {
  const root = temporaryVolume();
  const start = { type: 'node.started', node_id: 'loop', kind: 'loop' } as const;
  const begun = (...offsets: number[]) =>
    offsets.map((byte_offset, index): Step => {
      return [index + 1, { type: 'iteration.started', node_id: 'loop', iteration: index + 1, byte_offset }];
    });
  const captured = '-- 1\none\n-- 2\ntwo\n-- 1\nthree\n-- 2\nfour\n';
  const goingOn = writeRun(root, 'on', [[0, start], ...begun(5, 14), [5, start], ...begun(23, 34)]);
  writeCapture(goingOn, 'loop', captured);
  const again = writeRun(root, 'again', [[0, start], ...begun(50), [5, start], ...begun(5, 14)]);
  writeCapture(again, 'loop', captured.slice(0, 18));
  const { port } = await serverOf(root);
  const textOf = async (runId: string, iteration: number) => {
    const path = `/api/v1/runs/${runId}/nodes/loop/output?from=0&iteration=${iteration}`;
    return (await askJson<OutputAnswer>(port, path)).text;
  };
  expect([await textOf(goingOn.runId, 1), await textOf(goingOn.runId, 2)]).toEqual(['three\n', 'four\n']);
  expect([await textOf(again.runId, 1), await textOf(again.runId, 2)]).toEqual(['one\n', 'two\n']);
});
