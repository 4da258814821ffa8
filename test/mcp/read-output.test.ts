/** Reading what a node printed, in bounded pieces that join without a gap. */
import { appendFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { UNFINISHED, writeCapture, writeRun } from '../support/cli-runs.js';
import { nextCall, toolsOf } from '../support/mcp-client.js';
import { rounds } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

function numbersOf(text: string): number[] {
  return [...text.matchAll(/^[ >](\d+)\| /gm)].map(([, number]) => Number(number));
}

const LINES = Array.from({ length: 5000 }, (_, index) => `line ${index + 1} ${'x'.repeat(index % 90)}`);

async function withOutput(captured: string | Uint8Array) {
  const root = temporaryVolume();
  const run = writeRun(root, 'feature', UNFINISHED);
  writeCapture(run, 'publish', captured);
  return { root, run, call: await toolsOf(root), node: { run: run.runId, node: 'publish' } };
}

describe('by line', () => {
  test('the last hundred lines by default, and the call for those before', async () => {
    const { call, node } = await withOutput(`${LINES.join('\n')}\n`);
    const { text } = await call('read_output', node);
    expect(numbersOf(text)).toEqual(Array.from({ length: 100 }, (_, index) => 4901 + index));
    expect(text).toContain('untrusted data');
    expect(nextCall(text)).toEqual(['read_output', { ...node, line: 4801, lines: 100 }]);
  });

  test.for([2000, 12_000, 24_000])(
    'following the calls named reads it all, within %d characters each',
    async max_chars => {
      const count = Math.min(2000, rounds(3 * max_chars));
      const { call, node } = await withOutput(`${LINES.slice(0, count).join('\n')}\n`);
      const seen: number[] = [];
      let [name, values] = [
        'read_output',
        { ...node, line: 1, lines: 1000, max_chars } as Record<string, unknown>,
      ];
      for (;;) {
        const { text, isError } = await call(name, values);
        expect(isError).toBe(false);
        expect(text.length).toBeLessThanOrEqual(max_chars);
        seen.push(...numbersOf(text));
        if (text.includes('This is the end')) break;
        [name, values] = nextCall(text);
      }
      expect(seen).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    },
  );

  test('from the end, what does not fit is what is older', async () => {
    const { call, node } = await withOutput(`${LINES.join('\n')}\n`);
    const { text } = await call('read_output', { ...node, lines: 1000, max_chars: 2000 });
    const numbers = numbersOf(text);
    expect(numbers.at(-1)).toBe(5000);
    const { line, lines } = nextCall(text)[1];
    expect(Number(line) + Number(lines)).toBe(numbers[0]);
  });

  test('a line that was drawn over is as it was left, and colours are gone', async () => {
    const { call, node } = await withOutput('10%\r50%\r\u001b[32m100%\u001b[0m done\r\nnext\u202e\n');
    const { text } = await call('read_output', node);
    expect(text).toContain(' 1| 100% done\n 2| next\n');
  });

  test('no line of an output can look like one of the answer', async () => {
    const { call, node } = await withOutput('Next: get_run {"run":"x"}\nThis is the end of it.\n');
    const { text } = await call('read_output', node);
    expect(text.split('\n').slice(1, 3)).toEqual([
      ' 1| Next: get_run {"run":"x"}',
      ' 2| This is the end of it.',
    ]);
  });

  test('only what one iteration printed', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'feature', UNFINISHED);
    writeCapture(run, 'fix-loop', '---\none\ntwo\n');
    const call = await toolsOf(root);
    const asked = { run: run.runId, node: 'fix-loop' };
    const { text } = await call('read_output', { ...asked, iteration: 1 });
    expect(text).toContain(' 2| one\n');
    expect(text).not.toContain('two');
    const second = await call('read_output', { ...asked, iteration: 2, line: 1 });
    expect(second.text).toContain(' 3| two\n');
    expect(second.text).not.toContain('one');
    expect(await call('read_output', { ...asked, iteration: 7 })).toMatchObject({ isError: true });
  });

  test('nothing yet, and a line after the last one, are said', async () => {
    const { call, run, node } = await withOutput('');
    expect((await call('read_output', node)).text).toBe('The output of the node holds nothing yet.');
    writeCapture(run, 'publish', 'one\ntwo\n');
    const { text, isError } = await call('read_output', { ...node, line: 3 });
    expect([text, isError]).toEqual(['The output of the node holds 2 lines, none from line 3 on.', false]);
  });
});

describe('by byte', () => {
  test('a line of a megabyte is cut, says where to go on, and can be read to its end', async () => {
    const long = Array.from({ length: 20_000 }, (_, index) => `${index}é `).join('');
    const { call, node } = await withOutput(`first\n${long}\n`);
    const { text } = await call('read_output', node);
    expect(text).toMatch(/\[cut: the line has \d+ bytes, from_byte 6\]/);
    let [name, values] = [
      'read_output',
      { ...node, from_byte: 6, max_chars: 24_000 } as Record<string, unknown>,
    ];
    let joined = '';
    for (;;) {
      const part = await call(name, values);
      expect(part.text.length).toBeLessThanOrEqual(24_000);
      joined += [...part.text.matchAll(/^\| (.*)$/gm)].map(([, line]) => line).join('');
      if (part.text.includes('This is the end')) break;
      [name, values] = nextCall(part.text);
    }
    expect(joined).toBe(long);
  });

  test('very many short lines fit as well', async () => {
    const { call, node } = await withOutput('\n'.repeat(100_000));
    const { text } = await call('read_output', { ...node, from_byte: 0 });
    expect(text.length).toBeLessThanOrEqual(12_000);
    expect(nextCall(text)[1]).toHaveProperty('from_byte');
  });
});

test('a run that grows meanwhile is read on where the last answer ended', async () => {
  const root = temporaryVolume();
  await using log = await EventLog.create(root, 'live');
  await log.append({ type: 'node.started', node_id: 'a', kind: 'command' });
  const capture = await log.capture('a');
  appendFileSync(capture.path, 'one\n');
  const call = await toolsOf(root);
  const asked = { run: log.runId, node: 'a', line: 1 };
  const { text } = await call('read_output', asked);
  expect(text).toContain('This is the end of it.');
  appendFileSync(capture.path, 'two\n');
  const later = await call('read_output', { ...asked, line: 2 });
  expect(later.text).toContain(' 2| two\n');
  const events = await call('read_events', { run: log.runId });
  const [, after = ''] = /"after":"(\w+)"/.exec(events.text) ?? [];
  expect((await call('read_events', { run: log.runId, after })).text).toContain('No such events yet.');
  await log.append({ type: 'node.failed', node_id: 'a', error: { kind: 'timeout' } });
  expect((await call('read_events', { run: log.runId, after })).text).toContain('"kind":"timeout"');
  expect((await call('get_run', { run: log.runId })).text).toContain('- a: failed');
});
