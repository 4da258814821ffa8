/**
 * `omne-log mcp`: serves the runs of a volume to an agent over stdin and stdout, by the Model Context Protocol.
 *
 * Promise: nothing but the protocol goes to stdout. The SDK is loaded only here, and only when this command runs.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rootNotFound } from '../../errors.js';
import { isNotInstalled } from '../../packages.js';
import { type Command, defineCommand, EXIT } from '../command.js';
import { ROOT_OPTION, whichRoot, whichRun } from '../pick-run.js';
import { packageVersion } from '../version.js';

const NOT_INSTALLED = [
  'the SDK of the protocol is not installed: npm install @modelcontextprotocol/sdk',
  '(in the folder omne-event-log is installed in, or with -g where omne-log is)',
].join(' ');

/** The command `mcp`. */
export const mcp: Command = defineCommand({
  name: 'mcp',
  example: 'claude mcp add runs -- omne-log mcp --root /path/to/volume',
  operands: [],
  options: { root: ROOT_OPTION },
  notes: [
    'It is started by the client of the agent, not by hand, and changes nothing. Tools: list_runs, get_run,',
    'explain_failure, read_events, read_output, search_output. It needs the optional package',
    '@modelcontextprotocol/sdk.',
    '',
    'Claude Code:  claude mcp add runs -- omne-log mcp --root /path/to/volume',
    'Others, JSON: { "mcpServers": { "runs": { "command": "omne-log",',
    '                "args": ["mcp", "--root", "/path/to/volume"] } } }',
  ].join('\n'),
  async run({ values, signal }) {
    const root = await whichRoot(values.root);
    if (!existsSync(root)) throw rootNotFound(root);
    // Whatever a library may say goes where it does no harm.
    for (const method of ['log', 'info', 'debug'] as const) console[method] = console.error;
    const { createMcpServer } = await import('../../mcp/server.js').catch(notInstalled);
    const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js');
    if (process.stdin.isTTY)
      console.error('omne-log: waiting for a client on stdin; see omne-log mcp --help');
    const server = createMcpServer({ root, which: given => whichRun(root, given) }, packageVersion());
    const ended = Promise.race([once(process.stdin, 'end'), once(process.stdin, 'close'), aborted(signal)]);
    try {
      await server.connect(new StdioServerTransport());
      await ended;
    } finally {
      await server.close();
    }
    return EXIT.ok;
  },
});

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

function notInstalled(error: unknown): never {
  throw isNotInstalled(error) ? new Error(NOT_INSTALLED) : error;
}
