/**
 * `omne-log serve`: the live page, in a browser, until it is interrupted.
 *
 * Promise: nobody but the people of this machine who know the printed address can read anything, unless told otherwise; Ctrl-C ends
 * it at once, whoever is looking.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { errnoOf } from '../../errors.js';
import {
  createRunServer,
  mirroredRuns,
  type RunServer,
  type RunServerSource,
  volumeRuns,
} from '../../web.js';
import { type Command, defineCommand, EXIT, UsageError, wholeNumber } from '../command.js';
import { connectTo, LOGIN_HELP, NATS_OPTIONS } from '../nats.js';
import { LINE_OPTION, lineLimit, ROOT_OPTION, whichRoot } from '../pick-run.js';
import { beginToWait } from '../reader-left.js';
import { checkStream } from '../run-source.js';
import { print } from '../screen/terminal.js';

const USUAL_PORT = 4680;

/** The command `serve`. */
export const serve: Command = defineCommand({
  name: 'serve',
  example: 'omne-log serve --open',
  operands: [],
  options: {
    port: { type: 'string', value: 'N', help: `The port; ${USUAL_PORT} by default, or any that is free.` },
    host: { type: 'string', value: 'ADDRESS', help: 'The address to listen on; 127.0.0.1 by default.' },
    'allow-host': {
      type: 'string',
      multiple: true,
      value: 'NAME',
      help: 'Another name by which browsers may ask for it.',
    },
    open: { type: 'boolean', help: 'Open it in the browser.' },
    'no-token': {
      type: 'boolean',
      help: 'Let anybody read who reaches it, e.g. behind a proxy of your own.',
    },
    ...LINE_OPTION,
    root: ROOT_OPTION,
    ...NATS_OPTIONS,
  },
  notes: [
    'The printed address holds a token; whoever has it can read, and nothing can be changed.',
    'With --nats the copies on a NATS server are shown; output files are not mirrored.',
    LOGIN_HELP,
  ].join('\n'),
  async run({ values, signal }) {
    const { root, nats, creds, stream, host } = values;
    const port = portOf(values.port);
    const maxLineBytes = lineLimit(values);
    if (nats === undefined && (creds !== undefined || stream !== undefined))
      throw new UsageError('--creds and --stream go with --nats');
    if (nats !== undefined && root !== undefined) throw new UsageError('either --root or --nats');
    checkStream(stream);
    const connection = nats === undefined ? undefined : await connectTo(nats, creds);
    try {
      const source =
        connection === undefined
          ? volumeRuns(await whichRoot(root), { maxLineBytes })
          : await mirroredRuns(connection, { stream, maxLineBytes });
      const allowHosts = values['allow-host'] ?? [];
      const options = { host, allowHosts, ...(values['no-token'] === true ? { token: false as const } : {}) };
      await using server = await start(source, port, options);
      await print(`${source.facts.name}\nWatch it at ${server.url}\nCtrl-C ends it.`);
      if (values.open === true) openInBrowser(server.url);
      beginToWait();
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      await connection?.close();
    }
    return EXIT.ok;
  },
});

function portOf(given: string | undefined): number | undefined {
  const port = wholeNumber('--port', given);
  if (port !== undefined && port > 65_535) throw new UsageError('--port takes a number up to 65535');
  return port;
}

/** Where no port was asked for and the usual one is taken, any does. */
async function start(
  source: RunServerSource,
  port: number | undefined,
  options: { host: string | undefined; allowHosts: string[]; token?: false },
): Promise<RunServer> {
  if (port !== undefined) return createRunServer(source, { ...options, port });
  try {
    return await createRunServer(source, { ...options, port: USUAL_PORT });
  } catch (error) {
    if (!(error instanceof Error) || errnoOf(error.cause) !== 'EADDRINUSE') throw error;
    return createRunServer(source, { ...options, port: 0 });
  }
}

/** Where there is no browser to be had the printed address is all there is. */
function openInBrowser(url: string): void {
  const [command = '', ...args] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler']
        : ['xdg-open'];
  const browser = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  browser.on('error', () => undefined);
  browser.unref();
}
