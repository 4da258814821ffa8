/** `omne-log serve`: which runs it serves, at which port, in which browser. The server itself has its tests in `web`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RunsAnswer } from '../../src/web.js';
import { NatsServer, noServer } from '../jetstream/nats-server.js';
import { COMPLETED, writeRun } from '../support/cli-runs.js';
import { COMMAND, omneLog, plainEnvironment } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';
import { askJson } from '../support/web-client.js';

const USUAL_PORT = 4680;

/** The command as it runs, once it has printed where. */
async function serving(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ command: ChildProcess; name: string | undefined; url: string; port: number }> {
  const command = spawn(process.execPath, [COMMAND, 'serve', ...args], {
    env: { ...plainEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void command.kill('SIGKILL'));
  const lines: string[] = [];
  for await (const line of createInterface(command.stdout)) if (lines.push(line) === 3) break;
  const url = /^Watch it at (.*)$/.exec(lines[1] ?? '')?.[1] ?? '';
  return { command, name: lines[0], url, port: Number(new URL(url).port) };
}

async function endedByControlC(command: ChildProcess): Promise<number | null> {
  const ended = once(command, 'exit');
  command.kill('SIGINT');
  const [code] = await ended;
  return code;
}

function volume(): { root: string; runId: string } {
  const root = temporaryVolume();
  return { root, runId: writeRun(root, 'feature', COMPLETED).runId };
}

/** Makes sure that nobody can have the usual port, whoever holds it. */
async function takeUsualPort(): Promise<void> {
  const holder = createServer();
  const settled = Promise.race([once(holder, 'listening'), once(holder, 'error')]);
  holder.listen(USUAL_PORT, '127.0.0.1');
  await settled.catch(() => undefined); // somebody else has it
  onTestFinished(() => void holder.close());
}

test.skipIf(noServer)('with --nats the copies of a server are served until Ctrl-C', async () => {
  const nats = await NatsServer.start();
  const { root, runId } = volume();
  const copied = await omneLog(['mirror', '--all', '--once', '--root', root, '--nats', nats.url]);
  expect([copied.code, copied.stderr]).toEqual([0, '']);
  const { command, name, port } = await serving(['--nats', nats.url, '--port', '0', '--no-token']);
  expect(name).toBe('omne-runs');
  await vi.waitFor(async () => {
    const { source, runs } = await askJson<RunsAnswer>(port, '/api/v1/runs');
    expect(source).toEqual({ kind: 'nats', name: 'omne-runs', outputs: false });
    expect(runs).toMatchObject([{ runId, status: 'completed' }]);
  }, 10_000);
  expect(await endedByControlC(command)).toBe(130);
});

describe('without --port', () => {
  test('any port is taken where the usual one is not to be had', async () => {
    await takeUsualPort();
    const { root, runId } = volume();
    const { command, name, port } = await serving(['--root', root, '--no-token']);
    expect(name).toBe(root);
    expect(port).not.toBe(USUAL_PORT);
    await vi.waitFor(async () => {
      expect((await askJson<RunsAnswer>(port, '/api/v1/runs')).runs).toMatchObject([{ runId }]);
    }, 10_000);
    expect(await endedByControlC(command)).toBe(130);
  });

  test('an address that is none is an error, whatever the port', async () => {
    const { code, stderr } = await omneLog(['serve', '--host', '300.1.1.1', '--root', volume().root]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^omne-log: ERR_SYSTEM: no server at 300\.1\.1\.1:4680: /);
  });
});

// Windows opens an address by a program of its own, which a test cannot put another in the place of.
describe.skipIf(process.platform === 'win32')('--open', () => {
  test('hands the address with its token to the browser', async () => {
    const { root } = volume();
    const opened = join(root, 'opened');
    for (const program of ['xdg-open', 'open'])
      writeFileSync(join(root, program), `#!/bin/sh\necho "$1" > '${opened}'\n`, { mode: 0o755 });
    const { command, url } = await serving(['--root', root, '--port', '0', '--open'], { PATH: root });
    await vi.waitFor(
      () => expect(existsSync(opened) && readFileSync(opened, 'utf8')).toBe(`${url}\n`),
      10_000,
    );
    expect(url).toMatch(/token=/);
    expect(await endedByControlC(command)).toBe(130);
  });

  test('serves all the same where there is no browser', async () => {
    const { root, runId } = volume();
    const args = ['--root', root, '--port', '0', '--no-token', '--open'];
    const { command, port } = await serving(args, { PATH: '/nowhere' });
    await vi.waitFor(async () => {
      expect((await askJson<RunsAnswer>(port, '/api/v1/runs')).runs).toMatchObject([{ runId }]);
    }, 10_000);
    expect(await endedByControlC(command)).toBe(130);
  });
});
