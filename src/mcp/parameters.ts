/**
 * The parameters of a tool: one table that is both the schema a client sees and what its arguments are checked against.
 *
 * Promises: an unknown argument is refused with the nearest name, never passed over. Models write numbers as texts and ask for more
 * than there may be: a text of digits is a number, and a number out of range is taken as the nearest within, and the answer says so.
 */
import { nearest } from '../options.js';

interface Described {
  readonly description: string;
}

export interface TextParameter extends Described {
  readonly type: 'string';
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
}

export interface IntegerParameter extends Described {
  readonly type: 'integer';
  readonly minimum: number;
  readonly maximum: number;
}

export interface FlagParameter extends Described {
  readonly type: 'boolean';
}

export interface ListParameter extends Described {
  readonly type: 'array';
  readonly items: { readonly type: 'string' };
}

type Parameter = TextParameter | IntegerParameter | FlagParameter | ListParameter;

/** The parameters of a tool, by name. */
export type Parameters = Readonly<Record<string, Parameter>>;

type ValueOf<P> = P extends TextParameter
  ? string
  : P extends IntegerParameter
    ? number
    : P extends FlagParameter
      ? boolean
      : readonly string[];

/** The arguments of a call, checked; any may be absent but those that are required. */
export type ArgumentsOf<P extends Parameters> = { readonly [Name in keyof P]?: ValueOf<P[Name]> };

/** What is wrong with the arguments of a call. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError';
}

/** How arguments are checked. */
interface CheckOptions {
  readonly required?: readonly string[];
  /** All names there are, for the message about one there is not. */
  readonly known?: readonly string[];
  /** Takes a sentence for each number that was out of range. */
  readonly note: (sentence: string) => void;
}

/** Checks arguments as a client sent them. */
export function checkArguments<P extends Parameters>(
  given: Readonly<Record<string, unknown>>,
  parameters: P,
  { required = [], known = Object.keys(parameters), note }: CheckOptions,
): ArgumentsOf<P> {
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (parameter === undefined) throw new ArgumentError(unknown(name, known));
    if (value !== undefined && value !== null) checked[name] = checkedValue(name, value, parameter, note);
  }
  const missing = required.find(name => checked[name] === undefined);
  if (missing !== undefined) throw new ArgumentError(`argument ${missing} is missing`);
  return checked as ArgumentsOf<P>; // each value was checked against its row of the table
}

function unknown(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const hint = near === undefined ? `the arguments are ${known.join(', ')}` : `did you mean ${near}?`;
  return `unknown argument ${JSON.stringify(name.slice(0, 100))}; ${hint}`;
}

function checkedValue(
  name: string,
  value: unknown,
  parameter: Parameter,
  note: CheckOptions['note'],
): unknown {
  switch (parameter.type) {
    case 'integer': {
      const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isInteger(number))
        throw new ArgumentError(`argument ${name} must be a whole number`);
      const within = Math.min(Math.max(number, parameter.minimum), parameter.maximum);
      if (within !== number) note(`${name} ${number} is taken as ${within}.`);
      return within;
    }
    case 'boolean':
      if (value === true || value === 'true') return true;
      if (value === false || value === 'false') return false;
      throw new ArgumentError(`argument ${name} must be true or false`);
    case 'array': {
      const values: readonly unknown[] = Array.isArray(value) ? value : [value];
      if (values.every(each => typeof each === 'string')) return values;
      throw new ArgumentError(`argument ${name} must be a list of texts`);
    }
    case 'string':
      return textOf(name, value, parameter);
  }
}

function textOf(name: string, value: unknown, parameter: TextParameter): string {
  const { minLength = 1, maxLength = 1000 } = parameter;
  const words = parameter.enum;
  if (typeof value !== 'string' || value.length < minLength || value.length > maxLength)
    throw new ArgumentError(`argument ${name} must be a text of ${minLength} to ${maxLength} characters`);
  if (words !== undefined && !words.includes(value))
    throw new ArgumentError(`argument ${name} must be one of ${words.join(', ')}`);
  return value;
}
