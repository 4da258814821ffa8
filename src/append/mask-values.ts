/**
 * Masking known values: a function for the option `redact` that replaces secrets, wherever in a text they are.
 *
 * Promise: a text that was masked holds none of the values, neither plain nor as base64, percent-encoded or escaped for
 * JSON. It costs about the same for one value and for thousands: the search looks at one block of characters for every
 * few of the text (S. Wu, U. Manber: "A fast algorithm for multi-pattern searching", 1994).
 */
import type { Redact } from './redact.js';

/** A shorter value is in ordinary text by chance, and masking it would destroy more than it hides. */
const LEAST_CHARACTERS = 4;
/** How many characters the search looks at in one step. */
const BLOCK = 4;
const MASK = '***';

/**
 * Makes a function for the option `redact` of a log that replaces known values by `***`.
 *
 * A value is found plain, as base64 (standard and for URLs, also in the middle of a longer encoded text), percent-encoded, and
 * escaped as in JSON. Where two values overlap, what is left of the second is not masked: pass both as one value.
 *
 * @param secrets - the values, each of 4 characters at least; `undefined` is passed over, so that `process.env` may be given.
 * @throws TypeError for a value that is not a string or too short. Its message names the position of the value, never the value.
 * @example
 * const redact = maskValues([process.env.API_KEY, process.env.DATABASE_URL]);
 * const log = await EventLog.create(root, 'nightly', { redact });
 */
export function maskValues(secrets: Iterable<string | undefined>): Redact {
  if (typeof secrets === 'string')
    throw new TypeError('the secrets must be a list of strings, not one string');
  const patterns = new Set<string>();
  let index = 0;
  for (const secret of secrets) {
    if (secret !== undefined) {
      checkSecret(secret, index);
      for (const form of formsOf(secret)) patterns.add(form);
    }
    index++;
  }
  if (patterns.size === 0) return text => text;
  const search = new PatternSearch([...patterns]);
  return text => search.replaceIn(text);
}

function checkSecret(secret: unknown, index: number): asserts secret is string {
  if (typeof secret !== 'string') throw new TypeError(`secret ${index} must be a string`);
  if (secret.length < LEAST_CHARACTERS)
    throw new TypeError(`secret ${index} must have at least ${LEAST_CHARACTERS} characters`);
}

/** How a value may be written in a text. */
function formsOf(secret: string): string[] {
  const escaped = JSON.stringify(secret).slice(1, -1);
  const percent = encodeURIComponent(secret.toWellFormed());
  const lower = percent.replace(/%[0-9A-F]{2}/g, code => code.toLowerCase());
  const base64 = [0, 1, 2].flatMap(shift => inBase64(Buffer.from(secret), shift));
  const strict = percent.replace(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const encoded = [percent, lower, strict];
  const inForms = encoded.map(text => text.replaceAll('%20', '+'));
  const forms = [secret, escaped, ...encoded, ...inForms, ...base64];
  return forms.filter(form => form.length >= LEAST_CHARACTERS);
}

/** The characters that stand for the bytes alone when they begin `shift` bytes into a group of three. */
function inBase64(bytes: Buffer, shift: number): string[] {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
  const own = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
  return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
}

/** Finds many patterns at once; the longest of those that begin at one place wins. */
class PatternSearch {
  readonly #shortest: number;
  /** By the hash of a block: how far the window may move, since no pattern has that block further back. */
  readonly #shifts: Uint8Array;
  /** By the hash of the block at the end of the window: the patterns that may begin where the window does, longest first. */
  readonly #patterns = new Map<number, string[]>();

  constructor(patterns: string[]) {
    this.#shortest = Math.min(255, ...patterns.map(({ length }) => length));
    const blocks = patterns.length * (this.#shortest - BLOCK + 1);
    this.#shifts = new Uint8Array(2 ** Math.min(24, Math.ceil(Math.log2(blocks)) + 4));
    this.#shifts.fill(this.#shortest - BLOCK + 1);
    for (const pattern of patterns.sort((a, b) => b.length - a.length)) this.#add(pattern);
  }

  #add(pattern: string): void {
    for (let end = BLOCK; end <= this.#shortest; end++) {
      const hash = this.#hash(pattern, end);
      this.#shifts[hash] = Math.min(this.#shifts[hash] ?? 0, this.#shortest - end);
      if (end < this.#shortest) continue;
      const same = this.#patterns.get(hash);
      if (same === undefined) this.#patterns.set(hash, [pattern]);
      else same.push(pattern);
    }
  }

  /** The hash of the block that ends before `end`. */
  #hash(text: string, end: number): number {
    let hash = 0;
    for (let at = end - BLOCK; at < end; at++) hash = Math.imul(hash, 0x9e37_79b1) + text.charCodeAt(at);
    return (hash ^ (hash >>> 15)) & (this.#shifts.length - 1);
  }

  replaceIn(text: string): string {
    let masked = '';
    let done = 0;
    for (let end = this.#shortest; end <= text.length; ) {
      const hash = this.#hash(text, end);
      const shift = this.#shifts[hash] ?? 0;
      const start = end - this.#shortest;
      const found =
        shift === 0 ? this.#patterns.get(hash)?.find(pattern => text.startsWith(pattern, start)) : undefined;
      if (found === undefined) {
        end += Math.max(1, shift);
        continue;
      }
      masked += text.slice(done, start) + MASK;
      done = start + found.length;
      end = done + this.#shortest;
    }
    return done === 0 ? text : masked + text.slice(done);
  }
}
