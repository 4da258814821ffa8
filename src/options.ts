/**
 * Checking options: what a caller passed against a table of what each option must be.
 *
 * Promises: `undefined` is as good as absent. A value of the wrong kind, or an option that does not exist, is a `TypeError`
 * at the call, before anything is read or written; for an unknown name the message suggests the nearest one.
 */

/**
 * What an option must be, in words that complete "option x must be ..."; undefined where the value fits. Where that depends on
 * another option, it is among `options`.
 */
export type OptionCheck = (value: unknown, options?: object) => string | undefined;

/** The options of a call, by name. */
export type OptionTable = { readonly [name: string]: OptionCheck };

/** A safe integer of at least `least`. */
export function integerFrom(least: number): OptionCheck {
  return value =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least
      ? undefined
      : `an integer from ${least} up`;
}

/** One of a few words. */
export function oneOf(...words: readonly string[]): OptionCheck {
  const said = words.map(word => `'${word}'`).join(' or ');
  return value => (typeof value === 'string' && words.includes(value) ? undefined : said);
}

/** What either check accepts. */
export function either(first: OptionCheck, second: OptionCheck): OptionCheck {
  return value => {
    const wrong = first(value);
    return wrong === undefined || second(value) === undefined ? undefined : `${wrong}, or ${second(value)}`;
  };
}

export const isInteger: OptionCheck = integerFrom(0);
export const isText: OptionCheck = value => (typeof value === 'string' ? undefined : 'a string');
export const isBoolean: OptionCheck = value => (typeof value === 'boolean' ? undefined : 'true or false');
export const isFunction: OptionCheck = value => (typeof value === 'function' ? undefined : 'a function');
export const isSignal: OptionCheck = value => (value instanceof AbortSignal ? undefined : 'an AbortSignal');

/** Longer than this a timer cannot wait; it would not wait at all. */
export const LONGEST_WAIT_MS: number = 2 ** 31 - 1;

/** A time in milliseconds; `Infinity` is one unless a timer has to wait for it. */
export function milliseconds(least: number, most: number = Number.POSITIVE_INFINITY): OptionCheck {
  return value =>
    typeof value === 'number' && value >= least && value <= most
      ? undefined
      : `a number of milliseconds from ${least}${most === Number.POSITIVE_INFINITY ? ' up' : ` to ${most}`}`;
}

/** Rejects mistakes in the options with a `TypeError`. */
export function checkOptions(options: object, table: OptionTable): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('the options must be an object');
  for (const name of Object.keys(options)) {
    const value: unknown = Reflect.get(options, name);
    if (value === undefined) continue;
    const check = Object.hasOwn(table, name) ? table[name] : undefined;
    if (check === undefined) throw new TypeError(unknownOption(name, Object.keys(table)));
    const wanted = check(value, options);
    if (wanted !== undefined) throw new TypeError(`option ${name} must be ${wanted}`);
  }
}

function unknownOption(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined
    ? `unknown option ${name}; the options are ${known.join(', ')}`
    : `unknown option ${name}; did you mean ${near}?`;
}

/** The name that takes the fewest edits to reach, where those are few; undefined otherwise. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const given = name.toLowerCase();
  let found: string | undefined;
  let fewest = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const edits = editsBetween(given, candidate.toLowerCase());
    if (edits < fewest) [found, fewest] = [candidate, edits];
  }
  return found;
}

/** The Levenshtein distance, one row at a time. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + Number(a[i - 1] !== b[j - 1]);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
