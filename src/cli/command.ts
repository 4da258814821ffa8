/**
 * What a command of `omne-log` is: its name, its options, its help, and how it runs.
 *
 * Promise: arguments that break the table end in a usage error before the command runs. The table is data: the help and
 * the completions of the shells are made of it.
 */
import { parseArgs } from 'node:util';
import { errnoOf, messageOf } from '../errors.js';
import { nearest } from '../options.js';
import { print } from './screen/terminal.js';
import { type CommandName, SUMMARIES } from './summaries.js';

/** How a process of `omne-log` ends. */
export const EXIT = { ok: 0, error: 1, usage: 2, orphan: 3, SIGINT: 130, SIGTERM: 143 } as const;

/** A mistake in how the command was called. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** One option: what `parseArgs` must know, and what the help says; `value` names the argument of a string option. */
export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  readonly value?: string;
  /** The values it takes, where they are known beforehand. */
  readonly choices?: readonly string[];
  /** Which other values there may be besides, for the help: the command checks them itself. */
  readonly orElse?: string;
  /** What `omne-log completion` is asked for, to complete those too: it knows the run that is on the line. */
  readonly completion?: 'types';
  readonly help: string;
}

type Options = Readonly<Record<string, Option>>;

/** What a shell must know to complete a command. */
export interface CommandFacts {
  readonly name: CommandName | 'help';
  /** One sentence. */
  readonly summary: string;
  /** The arguments, e.g. `['RUN', 'NODE', '[ITERATION]']`; those in brackets may be left out. */
  readonly operands: readonly string[];
  readonly options: Options;
}

/** A command, as `commands/table.ts` loads it; `run` resolves with the exit code. */
export interface Command extends CommandFacts {
  run(args: readonly string[], signal: AbortSignal): Promise<number>;
}

type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: true }>
>;

interface CommandSpec<O extends Options> extends Omit<CommandFacts, 'summary'> {
  readonly name: CommandName;
  readonly options: O;
  /** A call that makes sense as it is. */
  readonly example: string;
  /** What the help says below the options. */
  readonly notes?: string;
  /** Does the work and resolves with the exit code; ends early when `signal` is aborted. */
  run(call: Parsed<O> & { readonly signal: AbortSignal }): Promise<number>;
}

const HELP = { type: 'boolean', short: 'h', help: 'Show this help.' } as const;

/** Makes a command out of its spec: reading the arguments and `--help` are the same for all. */
export function defineCommand<const O extends Options>(spec: CommandSpec<O>): Command {
  const { name, operands, options } = spec;
  return {
    name,
    summary: SUMMARIES[name],
    operands,
    options: { ...options, help: HELP },
    async run(given, signal) {
      const args = [...given];
      const lenient = parseArgs({ args, options: { ...options, help: HELP }, strict: false });
      if (lenient.values['help'] === true) {
        await print(helpOf(spec));
        return EXIT.ok;
      }
      const parsed = strictly(options, () => parseArgs({ args, options, allowPositionals: true }));
      checkChoices(options, parsed.values);
      checkOperands(operands, parsed.positionals);
      return spec.run({ ...parsed, signal });
    },
  };
}

/** A whole number given as the argument of an option, or undefined where the option was not given. */
export function wholeNumber(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const number = Number(given);
  if (/^\d+$/.test(given) && Number.isSafeInteger(number)) return number;
  throw new UsageError(`${name} takes a whole number, not '${given}'`);
}

/** A mistake is reported on one line, an unknown option with the nearest one there is. */
export function strictly<Result>(options: Options, parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    if (errnoOf(error)?.startsWith('ERR_PARSE_ARGS_') !== true) throw error;
    const message = messageOf(error);
    const [, given] = /Unknown option '(-[^']*)'/.exec(message) ?? [];
    if (given === undefined) throw new UsageError(message.split(/\s*\n\s*/).join(' '));
    const near = nearest(
      given,
      [...Object.keys(options), 'help'].map(name => `--${name}`),
    );
    throw new UsageError(`unknown option '${given}'${near === undefined ? '' : `; did you mean ${near}?`}`);
  }
}

function checkChoices(options: Options, values: Readonly<Record<string, unknown>>): void {
  for (const [name, { choices, orElse }] of Object.entries(options)) {
    if (orElse !== undefined) continue;
    const given = values[name];
    const wrong = [given]
      .flat()
      .find(value => value !== undefined && choices?.includes(String(value)) === false);
    if (wrong !== undefined) throw notChosen(name, choices ?? [], String(wrong));
  }
}

/** The mistake of a value that an option does not take. */
export function notChosen(name: string, choices: readonly string[], given: string): UsageError {
  return new UsageError(`--${name} takes one of ${choices.join(', ')}, not '${given}'`);
}

function checkOperands(operands: readonly string[], given: readonly string[]): void {
  const missing = operands[given.length];
  if (missing !== undefined && !missing.startsWith('[')) throw new UsageError(`${missing} is missing`);
  const extra = given[operands.length];
  if (extra !== undefined) throw new UsageError(`unexpected argument '${extra}'`);
}

function helpOf({ name, operands, options, notes, example }: CommandSpec<Options>): string {
  const rows = Object.entries({ ...options, help: HELP }).map(([long, option]: [string, Option]) => {
    const short = option.short === undefined ? '' : `-${option.short}, `;
    const value = option.value === undefined ? '' : ` ${option.value}`;
    const { choices: words, orElse } = option;
    const choices = words && ` One of ${words.join(', ')}${orElse === undefined ? '' : `, or ${orElse}`}.`;
    return [`${short}--${long}${value}`, option.help + (choices ?? '')] as const;
  });
  const usage = ['omne-log', name, ...operands, '[options]'].join(' ');
  const below = [...(notes === undefined ? [] : ['', notes]), '', `Example: ${example}`];
  return [`Usage: ${usage}`, '', SUMMARIES[name], '', 'Options:', ...table(rows), ...below].join('\n');
}

/** Rows of two columns, the second one aligned. */
export function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
