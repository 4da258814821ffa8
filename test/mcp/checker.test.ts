/** The server for agents as the protocol's own checkers see it: the inspector over stdio, the conformance suite over a bridge. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ABORTED, writeRun } from '../support/cli-runs.js';
import { COMMAND, type Outcome, runToEnd } from '../support/command.js';
import { fullStrength, spread } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const require = createRequire(import.meta.url);
const INSPECTOR = require.resolve('@modelcontextprotocol/inspector-cli/build/index.js');
const CONFORMANCE = require.resolve('@modelcontextprotocol/conformance/dist/index.js');

/** A test of what another one shows nearly: each start of a checker takes most of a second, so it is made where all counts. */
function testFully(name: string, body: () => Promise<void>): void {
  if (fullStrength) test(name, body);
}

/** What the inspector prints of one request to a server of this volume. */
function inspected(root: string, ...request: string[]): Promise<Outcome> {
  const server = [process.execPath, COMMAND, 'mcp', '--root', root];
  const cwd = dirname(INSPECTOR); // it looks for its package.json from the current folder
  return runToEnd([process.execPath, INSPECTOR, ...server, '--method', ...request], { cwd });
}

/** The address of a server of this volume by HTTP, the only transport the conformance suite has; for one session. */
async function bridged(root: string): Promise<string> {
  const http = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
  const stdio = new StdioClientTransport({
    command: process.execPath,
    args: [COMMAND, 'mcp', '--root', root],
  });
  const ignore = () => undefined; // what finds no one any more: the suite has what it asked for, or reports that it has not
  http.onmessage = message => void stdio.send(message).catch(ignore);
  stdio.onmessage = message => void http.send(message).catch(ignore);
  const server = createServer(
    (request, response) => void http.handleRequest(request, response).catch(ignore),
  );
  onTestFinished(async () => {
    await Promise.all([http.close(), stdio.close()]);
    server.closeAllConnections();
    server.close();
  });
  await Promise.all([stdio.start(), once(server.listen(0, '127.0.0.1'), 'listening')]);
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the bridge has no port');
  return `http://127.0.0.1:${address.port}/mcp`;
}

async function conforms(root: string, scenario: string): Promise<Outcome> {
  const url = await bridged(root);
  return runToEnd([process.execPath, CONFORMANCE, 'server', '--url', url, '--scenario', scenario], {
    cwd: root,
  });
}

describe('the inspector', { timeout: 60_000 }, () => {
  test('calls one', async () => {
    const root = temporaryVolume();
    const { runId } = writeRun(root, 'feature', ABORTED);
    const { code, stdout, stderr } = await inspected(
      root,
      'tools/call',
      ...['--tool-name', 'explain_failure', '--tool-arg', 'run=last'],
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout).content).toEqual([
      { type: 'text', text: expect.stringContaining(`Run ${runId}: aborted`) },
    ]);
  });

  // By default the call is enough: for it the inspector lists the tools, too.
  testFully('lists the tools', async () => {
    const { code, stdout, stderr } = await inspected(temporaryVolume(), 'tools/list');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout).tools.map(({ name }: { name: string }) => name)).toContain('explain_failure');
  });

  test('hears that there are no resources', async () => {
    const { code, stderr } = await inspected(temporaryVolume(), 'resources/list');
    expect(stderr).toContain('Method not found');
    expect(code).toBe(1);
  });
});

describe('the conformance suite', { timeout: 60_000 }, () => {
  test.for(spread(['server-initialize', 'ping', 'tools-list'], 3))('%s passes', async scenario => {
    const { code, stdout } = await conforms(temporaryVolume(), scenario);
    expect(stdout).toMatch(/Passed: (\d+)\/\1, 0 failed, 0 warnings/);
    expect(code).toBe(0);
  });

  // By default the inspector is enough for that.
  testFully('reports what the server has not', async () => {
    const { code, stdout } = await conforms(temporaryVolume(), 'prompts-list');
    expect(stdout).toContain('Method not found');
    expect(code).toBe(1);
  });
});
