/**
 * What a command of `omne-log` is: its name, its options, its help, and how it runs.
 *
 * Promise: arguments that break the table end in a usage error before the command runs.
 */
import { parseArgs } from 'node:util';
import { print } from './terminal.js';

/** How a process of `omne-log` ends. */
export const EXIT = { ok: 0, error: 1, usage: 2, interrupted: 130 } as const;

/** A mistake in how the command was called. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A command, as the table in `cli.ts` holds it; `run` resolves with the exit code. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  run(args: readonly string[], signal: AbortSignal): Promise<number>;
}

/** One option: what `parseArgs` must know, and what the help says; `value` names the argument of a string option. */
interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly value?: string;
  readonly help: string;
}

type Options = Readonly<Record<string, Option>>;

type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: true }>
>;

interface CommandSpec<O extends Options> {
  readonly name: string;
  readonly summary: string;
  /** The arguments that must be given, e.g. `['RUN']`. */
  readonly operands: readonly string[];
  readonly options: O;
  /** Does the work and resolves with the exit code; ends early when `signal` is aborted. */
  run(call: Parsed<O> & { readonly signal: AbortSignal }): Promise<number>;
}

const HELP = { type: 'boolean', short: 'h', help: 'Show this help.' } as const;

/** Makes a command out of its spec: reading the arguments and `--help` are the same for all. */
export function defineCommand<const O extends Options>(spec: CommandSpec<O>): Command {
  const { name, summary, operands, options } = spec;
  return {
    name,
    summary,
    async run(given, signal) {
      const args = [...given];
      const lenient = parseArgs({ args, options: { ...options, help: HELP }, strict: false });
      if (lenient.values['help'] === true) {
        await print(helpOf(spec));
        return EXIT.ok;
      }
      const parsed = parseArgs({ args, options, allowPositionals: true });
      const missing = operands[parsed.positionals.length];
      if (missing !== undefined) throw new UsageError(`${missing} is missing`);
      const extra = parsed.positionals[operands.length];
      if (extra !== undefined) throw new UsageError(`unexpected argument '${extra}'`);
      return spec.run({ ...parsed, signal });
    },
  };
}

function helpOf({ name, summary, operands, options }: CommandSpec<Options>): string {
  const rows = Object.entries({ ...options, help: HELP }).map(([long, option]: [string, Option]) => {
    const short = option.short === undefined ? '' : `-${option.short}, `;
    const value = option.value === undefined ? '' : ` ${option.value}`;
    return [`${short}--${long}${value}`, option.help] as const;
  });
  const usage = ['omne-log', name, ...operands, '[options]'].join(' ');
  return [`Usage: ${usage}`, '', summary, '', 'Options:', ...table(rows)].join('\n');
}

/** Rows of two columns, the second one aligned. */
export function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
