/** Capture files: where they are, who may write what, and that no link leads out of the run. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EventLog, iterations } from '../../src/index.js';
import { collect, openDescriptors, rejection } from '../support/logs.js';
import { testNotOnWindows } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

async function newLog(options = {}): Promise<{ log: EventLog; nodes: string }> {
  const log = await EventLog.create(temporaryVolume(), 'feature', options);
  return { log, nodes: join(dirname(log.path), 'nodes') };
}

describe('a capture', () => {
  test('is an empty file in the folder nodes, with the path that node.completed takes', async () => {
    const { log, nodes } = await newLog();
    const capture = await log.capture('build');
    expect(capture.path).toBe(join(nodes, 'build.out'));
    expect(readFileSync(capture.path, 'utf8')).toBe('');
    expect(capture.outputPath).toBe(`.omne/var/runs/${log.runId}/nodes/build.out`);
    expect(join(log.root, ...capture.outputPath.split('/'))).toBe(capture.path);
    await log.append({ type: 'node.completed', node_id: 'build', output_path: capture.outputPath });
    await log.close();
  });

  test('grows at its end: a second attempt goes on after the first', async () => {
    const { log } = await newLog();
    appendFileSync((await log.capture('build')).path, 'first\n');
    const again = await log.capture('build');
    expect(await again.size()).toBe(6);
    appendFileSync(again.path, 'second\n');
    expect(await again.size()).toBe(13);
    await again.sync();
    expect(readFileSync(again.path, 'utf8')).toBe('first\nsecond\n');
    await log.close();
  });

  test('keeps the attempts of a loop apart by their iterations', async () => {
    const { log } = await newLog();
    const node_id = 'fix';
    for (const [attempt, rounds] of [
      [1, 2],
      [2, 1],
    ] as const) {
      await log.append({ type: 'node.started', node_id, kind: 'loop' });
      const capture = await log.capture(node_id);
      for (let iteration = 1; iteration <= rounds; iteration++) {
        appendFileSync(capture.path, '--- \n');
        await log.append({
          type: 'iteration.started',
          node_id,
          iteration,
          byte_offset: await capture.size(),
        });
        appendFileSync(capture.path, `attempt ${attempt}, iteration ${iteration}\n`);
      }
    }
    const found = await collect(iterations(log.root, log.runId, node_id));
    expect(found.map(({ attempt, iteration }) => [attempt, iteration])).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
    ]);
    expect(await found[2]?.text()).toBe('attempt 2, iteration 1\n');
    await log.close();
  });

  testNotOnWindows('Windows has no permission bits', 'has the permission bits of the log', async () => {
    const { log, nodes } = await newLog({ mode: 0o600 });
    const { path } = await log.capture('build');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(nodes).mode & 0o777).toBe(0o700);
    await log.close();
  });

  test('leaves no descriptor open', async () => {
    const { log } = await newLog();
    const capture = await log.capture('build');
    await capture.size();
    await capture.sync();
    for (const path of [capture.path, dirname(capture.path)]) expect(openDescriptors(path)).toBe(0);
    await log.close();
  });
});

describe('a capture is refused', () => {
  test.for(['', 'a/b', '..\\x', 'nul\0', 'n'.repeat(252), 'é'.repeat(126), '\ud800', 'a\udc00b'])(
    'for node id %j, which is no file name',
    async id => {
      const { log, nodes } = await newLog();
      expect(await rejection(log.capture(id))).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
      expect(existsSync(nodes)).toBe(false);
      await log.close();
    },
  );

  test('with the node id in the message', async () => {
    const { log } = await newLog();
    expect(await rejection(log.capture('a/b'))).toMatchObject({
      message: expect.stringMatching(/^node id "a\/b" cannot be a file name/),
    });
    expect(await rejection(log.capture('\ud800'))).toMatchObject({
      message: expect.stringMatching(
        /^node id "\\ud800" cannot be a file name: it holds a lone surrogate; pass/,
      ),
    });
    expect((await log.capture('n'.repeat(251))).path).toContain('n'.repeat(251));
    await log.close();
  });

  const gone =
    'with ERR_RUN_NOT_FOUND when the run was deleted, or with ERR_ROOT_NOT_FOUND when the volume was';
  testNotOnWindows('a folder with an open file in it cannot be deleted there', gone, async () => {
    const { log } = await newLog();
    const capture = await log.capture('build');
    rmSync(dirname(log.path), { recursive: true });
    for (const used of [() => capture.size(), () => capture.sync(), () => log.capture('build')])
      expect(await rejection(used())).toMatchObject({ code: 'ERR_RUN_NOT_FOUND', path: capture.path });
    rmSync(log.root, { recursive: true });
    expect(await rejection(capture.size())).toMatchObject({ code: 'ERR_ROOT_NOT_FOUND' });
    await log.close();
  });

  test('for a node id that is not a text', async () => {
    const { log } = await newLog();
    await expect(log.capture(Reflect.get({}, 'absent'))).rejects.toBeInstanceOf(TypeError);
    await log.close();
  });

  testNotOnWindows(
    'Wine makes no links',
    'where a link is in the way, and nothing is written through it',
    async () => {
      const { log, nodes } = await newLog();
      const elsewhere = temporaryVolume();
      mkdirSync(nodes);
      writeFileSync(join(elsewhere, 'target'), '');
      symlinkSync(join(elsewhere, 'target'), join(nodes, 'build.out'));
      symlinkSync(join(elsewhere, 'new'), join(nodes, 'test.out'));
      expect(await rejection(log.capture('build'))).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
      expect(await rejection(log.capture('test'))).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
      expect(existsSync(join(elsewhere, 'new'))).toBe(false);
      await log.close();
    },
  );

  testNotOnWindows(
    'Wine makes no links',
    'where nodes is a link or a file, or the file is a folder',
    async () => {
      for (const make of [
        (nodes: string) => symlinkSync(temporaryVolume(), nodes),
        (nodes: string) => writeFileSync(nodes, ''),
        (nodes: string) => mkdirSync(join(nodes, 'build.out'), { recursive: true }),
      ]) {
        const { log, nodes } = await newLog();
        make(nodes);
        expect(await rejection(log.capture('build'))).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
        await log.close();
      }
    },
  );

  testNotOnWindows(
    'Wine makes no links',
    'at its use, when a link has taken the place of the file since',
    async () => {
      const { log, nodes } = await newLog();
      const capture = await log.capture('build');
      rmSync(capture.path);
      symlinkSync('/etc/hostname', join(nodes, 'build.out'));
      expect(await rejection(capture.size())).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
      expect(await rejection(capture.sync())).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
      await log.close();
    },
  );
});
