import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  defineEvents,
  EventLog,
  EventLogError,
  field,
  type Iteration,
  iterations,
  omneEvents,
  type RunEvent,
} from '../../src/index.js';
import { COMMAND, runToEnd } from '../support/command.js';
import { collect, linesOf, openDescriptors, RUN_ID, rejection, writeLog } from '../support/logs.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

function begins(offsets: readonly number[], node_id = 'n'): RunEvent[] {
  return offsets.map((byte_offset, index) => ({
    type: 'iteration.started',
    id: `id-${index}`,
    ts: '2026-04-15T12:00:00Z',
    run_id: RUN_ID,
    node_id,
    iteration: index + 1,
    byte_offset,
  }));
}

/** A volume with a run in which node `n` began iterations at these bytes of what it printed. */
function volumeWith(offsets: readonly number[], captured?: string | Uint8Array) {
  const root = temporaryVolume();
  const nodes = join(dirname(writeLog(root, linesOf(begins(offsets)))), 'nodes');
  mkdirSync(nodes);
  const capture = join(nodes, 'n.out');
  if (captured !== undefined) writeFileSync(capture, captured);
  return { root, nodes, capture };
}

const iterationsOf = (root: string, nodeId = 'n'): Promise<Iteration[]> =>
  collect(iterations(root, RUN_ID, nodeId));

async function textsOf(root: string, nodeId?: string): Promise<string[]> {
  return Promise.all((await iterationsOf(root, nodeId)).map(({ text }) => text()));
}

/** The error of reading the text of the first iteration. */
async function failureOf(root: string): Promise<unknown> {
  const [first] = await iterationsOf(root);
  const error = await rejection(Promise.resolve(first?.text()));
  expect(error).toBeInstanceOf(EventLogError);
  return error;
}

/** What was captured of parts that each begin after a marker line, and where they begin. */
function capturedOf(parts: readonly string[]): { captured: string; offsets: number[]; texts: string[] } {
  let captured = '';
  const offsets: number[] = [];
  for (const [index, part] of parts.entries()) {
    captured += `--- ${index + 1}\n`;
    offsets.push(Buffer.byteLength(captured));
    captured += part;
  }
  const texts = parts.map((part, index) => (index + 1 < parts.length ? `${part}--- ${index + 2}\n` : part));
  return { captured, offsets, texts };
}

describe('the text of an iteration', () => {
  test('goes from its byte offset to the next, and of the last one to the end of the file', async () => {
    const { captured, offsets, texts } = capturedOf(['one\n', '', 'three\n']);
    const { root } = volumeWith(offsets, captured);
    expect(await textsOf(root)).toEqual(texts);
    expect(await iterationsOf(root)).toMatchObject([
      { iteration: 1, start: offsets[0], end: offsets[1] },
      { iteration: 2, start: offsets[1], end: offsets[2] },
      { iteration: 3, start: offsets[2], end: undefined },
    ]);
  });

  test('is cut by bytes, not by characters', async () => {
    const { captured, offsets, texts } = capturedOf(['修复登录 🔐', 'ñandú\u2028', '\ufeffшаг']);
    expect(await textsOf(volumeWith(offsets, captured).root)).toEqual(texts);
  });

  test('has U+FFFD where a cut or the output is no UTF-8', async () => {
    const { root } = volumeWith([0, 1], Buffer.from([0xc3, 0xb1, 0xff, 0x41]));
    expect(await textsOf(root)).toEqual(['\ufffd', '\ufffd\ufffdA']);
  });

  test('may be empty at the end of the file, also of an empty one', async () => {
    expect(await textsOf(volumeWith([2, 4], 'abcd').root)).toEqual(['cd', '']);
    expect(await textsOf(volumeWith([0], '').root)).toEqual(['']);
  });

  test('of the last iteration grows with the file, that of one before does not', async () => {
    const { root, capture } = volumeWith([0, 2], 'a\nb');
    const [first, last] = await iterationsOf(root);
    expect([await first?.text(), await last?.text()]).toEqual(['a\n', 'b']);
    appendFileSync(capture, 'c');
    expect([await first?.text(), await last?.text()]).toEqual(['a\n', 'bc']);
  });

  test('is of the node asked for', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, linesOf([...begins([0]), ...begins([1, 2], 'n.out'), ...begins([3], '..')]));
    mkdirSync(join(dirname(path), 'nodes'));
    for (const node of ['n', 'n.out', '..']) {
      writeFileSync(join(dirname(path), 'nodes', `${node}.out`), `of ${node}`);
    }
    expect(await textsOf(root)).toEqual(['of n']);
    expect(await textsOf(root, 'n.out')).toEqual(['f', ' n.out']);
    expect(await textsOf(root, '..')).toEqual(['..']);
    expect(await textsOf(root, 'unheard of')).toEqual([]);
  });

  test('leaves no descriptor open', async () => {
    const { root, capture } = volumeWith([0, 9], 'abc');
    const [first, last] = await iterationsOf(root);
    await Promise.all([first, last].map(one => rejection(Promise.resolve(one?.text()))));
    expect(openDescriptors(capture)).toBe(0);
  });
});

describe('a capture file that was begun again', () => {
  test('where an offset goes back, holds only the iterations from there on', async () => {
    const { root } = volumeWith([5, 50, 500, 2, 4], 'abcdef');
    expect((await iterationsOf(root)).map(({ iteration, start }) => [iteration, start])).toEqual([
      [4, 2],
      [5, 4],
    ]);
    expect(await textsOf(root)).toEqual(['cd', 'ef']);
  });

  test('after a single iteration, begins at the same offset again: a marker is before each', async () => {
    expect(await textsOf(volumeWith([3, 3, 9], 'abcdefghijk').root)).toEqual(['defghi', 'jk']);
    expect(await textsOf(volumeWith([0, 0], 'abc').root)).toEqual(['abc']);
  });
});

describe('lazily', () => {
  test('a missing file is an error only where its text is asked for', async () => {
    const { root, capture } = volumeWith([0]);
    expect(await failureOf(root)).toMatchObject({
      code: 'ERR_CAPTURE_NOT_FOUND',
      path: capture,
      cause: { code: 'ENOENT' },
    });
    const [first] = await iterationsOf(root);
    writeFileSync(capture, 'late');
    expect(await first?.text()).toBe('late');
  });

  test('so is a missing folder of captures', async () => {
    const { root, nodes, capture } = volumeWith([0]);
    rmSync(nodes, { recursive: true });
    expect(await failureOf(root)).toMatchObject({ code: 'ERR_CAPTURE_NOT_FOUND', path: capture });
  });

  test('an offset beyond the end of the file is an error of the iterations it bounds', async () => {
    const { root, capture } = volumeWith([0, 3, 9], 'abcdef');
    const [first, second, third] = await iterationsOf(root);
    expect(await first?.text()).toBe('abc');
    for (const [one, offset] of [
      [second, 3],
      [third, 9],
    ] as const) {
      expect(await rejection(Promise.resolve(one?.text()))).toMatchObject({
        code: 'ERR_CAPTURE_TRUNCATED',
        message: expect.stringMatching(/6 bytes.*up to 9/),
        path: capture,
        offset,
      });
    }
  });

  test('a file that was cut is reported as such', async () => {
    const { root, capture } = volumeWith([4], 'abcdef');
    expect(await textsOf(root)).toEqual(['ef']);
    truncateSync(capture, 2);
    expect(await failureOf(root)).toMatchObject({ code: 'ERR_CAPTURE_TRUNCATED' });
  });
});

describe('nothing but a plain file in the folder of captures is read', () => {
  test.each(['', '../x', 'a/b', 'a\\b', '/etc/passwd', 'a\0b'])('node id %j is refused at once', nodeId => {
    expect(() => iterations(temporaryVolume(), RUN_ID, nodeId)).toThrow(
      expect.objectContaining({ code: 'ERR_UNSAFE_PATH' }),
    );
  });

  test('so is a run id that is none', () => {
    expect(() => iterations(temporaryVolume(), '../x', 'n')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_RUN_ID' }),
    );
  });

  test.each<[string, (capture: string, root: string) => void]>([
    [
      'a link to a file',
      (capture, root) => {
        writeFileSync(join(root, 'secret'), 'secret');
        symlinkSync(join(root, 'secret'), capture);
      },
    ],
    ['a link to nowhere', capture => symlinkSync('nowhere', capture)],
    ['a folder', capture => mkdirSync(capture)],
    ['a FIFO', capture => execFileSync('mkfifo', [capture])],
    [
      'a link in the place of the folder',
      (capture, root) => {
        renameSync(dirname(capture), join(root, 'elsewhere'));
        writeFileSync(join(root, 'elsewhere', 'n.out'), 'secret');
        symlinkSync(join(root, 'elsewhere'), dirname(capture));
      },
    ],
    [
      'a file in the place of the folder',
      capture => {
        rmSync(dirname(capture), { recursive: true });
        writeFileSync(dirname(capture), '');
      },
    ],
  ])('%s is ERR_UNSAFE_PATH', async (_, put) => {
    const { root, capture } = volumeWith([0]);
    put(capture, root);
    expect(await failureOf(root)).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
  });

  test.each([
    ['absolute', (other: string) => other],
    ['relative', (other: string) => join('..', basename(dirname(other)), 'nodes')],
  ])(
    'a folder of captures that is an %s link to that of another run is ERR_UNSAFE_PATH',
    async (_, target) => {
      const { root, nodes } = volumeWith([0]);
      const other = join(root, '.omne/var/runs/other-01kp8g6dg0zg6axb6gqz17wf7n/nodes');
      mkdirSync(other, { recursive: true });
      writeFileSync(join(other, 'n.out'), 'of another run');
      rmSync(nodes, { recursive: true });
      symlinkSync(target(other), nodes);
      expect(await failureOf(root)).toMatchObject({
        code: 'ERR_UNSAFE_PATH',
        path: nodes,
        message: `is a symbolic link (${nodes})`,
      });
    },
  );

  test('a file in the place of the folder of captures is ERR_UNSAFE_PATH', async () => {
    const { root, nodes } = volumeWith([0]);
    rmSync(nodes, { recursive: true });
    writeFileSync(nodes, '');
    expect(await failureOf(root)).toMatchObject({ code: 'ERR_UNSAFE_PATH', path: nodes });
  });

  test('a socket is ERR_UNSAFE_PATH', async () => {
    const { root, nodes } = volumeWith([0]);
    const server = createServer();
    const here = process.cwd();
    try {
      process.chdir(nodes); // the path of a socket must be short
      await new Promise<void>(resolve => server.listen('n.out', resolve));
      expect(await failureOf(root)).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
    } finally {
      process.chdir(here);
      server.close();
    }
  });

  test('an error of the system names the file as the user knows it', async () => {
    const { root, capture } = volumeWith([0], 'text');
    chmodSync(capture, 0);
    const [first] = await iterationsOf(root);
    const user = process.geteuid?.();
    if (user === 0) {
      chmodSync(root, 0o755);
      process.seteuid?.(65_534); // nothing is forbidden to the superuser
    }
    const failure = await rejection(Promise.resolve(first?.text())).finally(() => {
      if (user === 0) process.seteuid?.(user);
    });
    expect(failure).toMatchObject({
      code: 'ERR_SYSTEM',
      message: expect.not.stringContaining('/proc/self'),
      cause: expect.objectContaining({ code: 'EACCES', path: capture }),
    });
  });

  test('a node id longer than a file name is refused before anything is read', () => {
    expect(() => iterations('.', RUN_ID, 'n'.repeat(252))).toThrow(
      expect.objectContaining({ code: 'ERR_UNSAFE_PATH' }),
    );
  });
});

testWith(['strace'], 'a read that a signal interrupts is repeated, and the text is whole', async () => {
  const { root, capture } = volumeWith([0, 4], 'one\ntwo\n');
  const trace = join(root, 'trace');
  const inject = ['-e', 'trace=pread64', '-e', 'inject=pread64:error=EINTR:when=1'];
  const strace = ['strace', '-f', '--seccomp-bpf', '-qq', '-o', trace, '-P', capture, ...inject] as const;
  const text = await runToEnd([
    ...strace,
    process.execPath,
    COMMAND,
    'text',
    RUN_ID,
    'n',
    '1',
    '--root',
    root,
  ]);
  expect(text).toEqual({ code: 0, stdout: 'one\n', stderr: '' });
  expect(readFileSync(trace, 'utf8')).toContain('EINTR');
});

test('a run without a log is an error of the listing', async () => {
  expect(await rejection(iterationsOf(temporaryVolume()))).toMatchObject({ code: 'ERR_RUN_NOT_FOUND' });
});

describe('a run of events of its own', () => {
  test('has iterations where it has the events of the built-in vocabulary', async () => {
    const events = omneEvents.extend({ 'tool.called': { node_id: field.string(), tool: field.string() } });
    await using log = await EventLog.create(temporaryVolume(), 'agent', { events });
    await log.append({ type: 'node.started', node_id: 'n', kind: 'loop' });
    await log.append({ type: 'tool.called', node_id: 'n', tool: 'grep' });
    await log.append({ type: 'iteration.started', node_id: 'n', iteration: 1, byte_offset: 4 });
    await log.append({ type: 'iteration.started', node_id: 'n', iteration: 2, byte_offset: 9 });
    expect(await collect(iterations(log.root, log.runId, 'n'))).toMatchObject([
      { iteration: 1, attempt: 1, start: 4, end: 9 },
      { iteration: 2, attempt: 1, start: 9 },
    ]);
  });

  test('has none where its vocabulary has no such event, or another one of that name', async () => {
    for (const type of ['step.started', 'iteration.started']) {
      const events = defineEvents({ [type]: { node_id: field.string() } });
      await using log = await EventLog.create(temporaryVolume(), 'build', { events });
      await log.append({ type, node_id: 'n' });
      expect(await collect(iterations(log.root, log.runId, 'n'))).toEqual([]);
    }
  });
});
