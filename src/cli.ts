#!/usr/bin/env node
/**
 * The command `omne-log`: finds the command, runs it, and turns how it ended into an exit code.
 *
 * Promise: 0 fine, 1 error, 2 wrong usage, 130 interrupted. Who closes the pipe we write to (`| head`) has seen enough:
 * that ends the command quietly, with 0.
 */
import { readFile } from 'node:fs/promises';
import { cat } from './cat.js';
import { type Command, EXIT, table, UsageError } from './command.js';
import { demo } from './demo.js';
import { errnoOf } from './errors.js';
import { paint, print, printable } from './terminal.js';

/** Every command, in the order of the help. */
const COMMANDS: readonly Command[] = [demo, cat];

const ending = new AbortController();
const INTERRUPTED = new Error('interrupted');

// Once: the command gets the chance to end in good order, a second Ctrl-C ends it at once.
process.once('SIGINT', () => ending.abort(INTERRUPTED));
process.stdout.on('error', error => ending.abort(error));

process.exitCode = await main(process.argv.slice(2)).then(
  code => (ending.signal.aborted ? exitCodeOf(ending.signal.reason) : code),
  error => exitCodeOf(ending.signal.aborted ? ending.signal.reason : error),
);

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined) throw new UsageError('a command is missing');
  if (name === '--version') return print(await version()).then(() => EXIT.ok);
  if (name === '--help' || name === '-h') return print(help()).then(() => EXIT.ok);
  const command = COMMANDS.find(candidate => candidate.name === name);
  if (command !== undefined) return command.run(args, ending.signal);
  throw new UsageError(`unknown ${name.startsWith('-') ? 'option' : 'command'} '${name}'`);
}

function help(): string {
  return [
    'Usage: omne-log COMMAND [options]',
    '',
    'Looks into the event logs of pipe runs.',
    '',
    'Commands:',
    ...table(COMMANDS.map(({ name, summary }) => [name, summary])),
    '',
    'omne-log COMMAND --help tells the options of a command; omne-log --version the version.',
  ].join('\n');
}

async function version(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  const manifest: { version: string } = JSON.parse(text);
  return manifest.version;
}

/** Says on stderr what went wrong, where that is not known already, and gives the exit code for it. */
function exitCodeOf(error: unknown): number {
  if (error === INTERRUPTED) return EXIT.interrupted;
  const code = errnoOf(error);
  if (code === 'EPIPE') return EXIT.ok;
  const message = error instanceof Error ? error.message : String(error);
  const usage = error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS_') === true;
  // Node's own system errors begin with their code already.
  const prefix = usage || code === undefined || message.startsWith(code) ? '' : `${code}: `;
  const hint = usage ? '\nomne-log --help tells how it is used.' : '';
  console.error(`${paint('red', 'omne-log:', process.stderr)} ${prefix}${printable(message)}${hint}`);
  return usage ? EXIT.usage : EXIT.error;
}
