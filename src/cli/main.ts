/**
 * What `omne-log` does: finds the command, runs it, and turns how it ended into an exit code.
 *
 * Promise: 0 fine, 1 error, 2 wrong usage, 3 a run that was left, 130 interrupted (SIGINT), 143 terminated (SIGTERM). Who closes the pipe we write
 * to (`| head`) has seen enough: that ends the command quietly, with 0, also while it waits.
 */

import { errnoOf } from '../errors.js';
import { nearest } from '../options.js';
import { EXIT, table, UsageError } from './command.js';
import { loadCommand } from './commands/table.js';
import { whenReaderLeaves } from './reader-left.js';
import { giveUpWriting, paint, print, printable } from './screen/terminal.js';
import { SUMMARIES } from './summaries.js';
import { packageVersion } from './version.js';

const ending = new AbortController();

/** Why a command ended early. */
class Interruption extends Error {
  readonly signal: 'SIGINT' | 'SIGTERM';

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(signal === 'SIGINT' ? 'interrupted' : 'terminated');
    this.signal = signal;
  }
}

// Once: the command gets the chance to end in good order, a second signal ends it at once.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    ending.abort(new Interruption(signal));
    giveUpWriting();
  });
}
process.stdout.on('error', error => ending.abort(error));
whenReaderLeaves(() => {
  ending.abort(Object.assign(new Error('nobody reads what is written'), { code: 'EPIPE' }));
  giveUpWriting();
});

process.exitCode = EXIT.error; // until it has come to its end
/** Settled when the command has come to its end, and its exit code is known. */
export const ended: Promise<void> = main(process.argv.slice(2))
  .then(
    code => (ending.signal.aborted ? exitCodeOf(ending.signal.reason) : code),
    error => exitCodeOf(ending.signal.aborted ? ending.signal.reason : error),
  )
  .then(code => {
    process.exitCode = code;
    // What still waits for a reader that has stalled would keep the process.
    if (ending.signal.reason instanceof Interruption) process.exit();
  });

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined) return overviewOf([]);
  if (/^--root(=|$)/.test(name)) return overviewOf([name, ...args]);
  if (name === 'help') return helpAbout(args);
  if (name === '--version') return print(packageVersion()).then(() => EXIT.ok);
  if (name === '--help' || name === '-h') return print(help()).then(() => EXIT.ok);
  const command = await loadCommand(name);
  if (command !== undefined) return command.run(args, ending.signal);
  const option = name.startsWith('-');
  const near = nearest(
    name,
    option ? ['--help', '--root', '--version'] : [...Object.keys(SUMMARIES), 'help'],
  );
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  throw new UsageError(`unknown ${option ? 'option' : 'command'} '${name}'${hint}`);
}

/** `omne-log` and `omne-log --root DIR`. */
async function overviewOf(args: readonly string[]): Promise<number> {
  return (await import('./commands/overview.js')).overview(args, ending.signal);
}

/** `omne-log help` and `omne-log help COMMAND` are what `--help` is. */
async function helpAbout([name, extra]: readonly string[]): Promise<number> {
  if (extra !== undefined) throw new UsageError(`unexpected argument '${extra}'`);
  return main(name === undefined || name.startsWith('-') ? ['--help'] : [name, '--help']);
}

function help(): string {
  return [
    'Usage: omne-log COMMAND [options]',
    '',
    'Looks into the event logs of pipe runs.',
    '',
    'Commands:',
    ...table(Object.entries(SUMMARIES)),
    '',
    'omne-log alone shows what is going on in the volume here, omne-log --root DIR in that one. omne-log help',
    'COMMAND lists the options of a command, with an example, as omne-log COMMAND --help does; omne-log --version',
    'prints the version.',
  ].join('\n');
}

/** Says on stderr what went wrong and what to do next, where that is not known already, and gives the exit code for it. */
async function exitCodeOf(error: unknown): Promise<number> {
  if (error instanceof Interruption) return EXIT[error.signal];
  const code = errnoOf(error);
  if (code === 'EPIPE') return EXIT.ok;
  const message = error instanceof Error ? error.message : String(error);
  const usage = error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS_') === true;
  // Node's own system errors begin with their code already.
  const prefix = usage || code === undefined || message.startsWith(code) ? '' : `${code}: `;
  const next = usage ? 'See omne-log --help.' : await stepAfter(error);
  const hint = next === undefined ? '' : `\n${printable(next)}`;
  const text = printable(withoutSecrets(message));
  console.error(`${paint('red', 'omne-log:', process.stderr)} ${prefix}${text}${hint}`);
  return usage ? EXIT.usage : EXIT.error;
}

/** What helps is looked for only where something failed. */
async function stepAfter(error: unknown): Promise<string | undefined> {
  const { nextStep } = await import('./next-step.js');
  return nextStep(error).catch(() => undefined);
}

/** Names and passwords in URLs are not printed, wherever in a message they are. */
function withoutSecrets(message: string): string {
  return message.replace(/(\w:\/\/)\S*@/g, '$1***@');
}
