/**
 * Masking known values: a function for the option `redact` that replaces secrets, wherever in a text they are.
 *
 * Promise: a text that was masked holds none of the values, neither plain nor as base64, percent-encoded or escaped for
 * JSON, whichever of their characters an encoder escapes. It costs about the same for one value and for thousands.
 */
import { merged, PatternSearch, type Span } from './pattern-search.js';
import type { Redact } from './redact.js';

/** A shorter value is in ordinary text by chance, and masking it would destroy more than it hides. */
const LEAST_CHARACTERS = 4;
const MASK = '***';

/**
 * Makes a function for the option `redact` of a log that replaces known values by `***`.
 *
 * A value is found plain, as base64 (standard and for URLs, also in the middle of a longer encoded text), percent-encoded, and
 * escaped as in JSON (`\u00e4` and `\/` too), whichever characters are escaped. Values that overlap are masked as one.
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
  const values = new Set<string>();
  let index = 0;
  for (const secret of secrets) {
    if (secret !== undefined) {
      checkSecret(secret, index);
      values.add(secret);
    }
    index++;
  }
  if (values.size === 0) return text => text;
  const plain = new PatternSearch([...values].flatMap(formsOf));
  const decoded = new PatternSearch([...values].flatMap(value => [value, value.replaceAll(' ', '+')]));
  return text => {
    const spans = plain.findIn(text);
    for (const encoding of ENCODINGS)
      if (text.includes(encoding.mark)) spans.push(...findDecoded(text, encoding, decoded));
    return spans.length === 0 ? text : masked(text, spans);
  };
}

function masked(text: string, spans: readonly Span[]): string {
  let result = '';
  let done = 0;
  for (const { start, end } of merged(spans)) {
    result += text.slice(done, start) + MASK;
    done = end;
  }
  return result + text.slice(done);
}

function checkSecret(secret: unknown, index: number): asserts secret is string {
  if (typeof secret !== 'string') throw new TypeError(`secret ${index} must be a string`);
  if (secret.length < LEAST_CHARACTERS)
    throw new TypeError(`secret ${index} must have at least ${LEAST_CHARACTERS} characters`);
}

/** How common encoders write a value; found wherever they begin, also after what looks like half an escape. */
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

/** An encoding in which a character may be written as it is or escaped. */
interface Encoding {
  /** What every escape begins with. */
  readonly mark: string;
  /** Each escape of a character. */
  readonly escapes: RegExp;
  readonly decode: (written: string) => string;
}

const ENCODINGS: readonly Encoding[] = [
  {
    mark: '%',
    escapes:
      /%[0-7][\da-f]|%[c-d][\da-f]%[89ab][\da-f]|%e[\da-f](?:%[89ab][\da-f]){2}|%f[0-4](?:%[89ab][\da-f]){3}/gi,
    decode: written => Buffer.from(written.replaceAll('%', ''), 'hex').toString(),
  },
  {
    mark: '\\',
    escapes: /\\(?:u[\da-fA-F]{4}|["\\/bfnrt])/g,
    decode: written =>
      written[1] === 'u'
        ? String.fromCharCode(Number.parseInt(written.slice(2), 16))
        : (SHORT_ESCAPES.get(written) ?? written.slice(1)),
  },
];

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\b', '\b'],
  ['\\f', '\f'],
  ['\\n', '\n'],
  ['\\r', '\r'],
  ['\\t', '\t'],
]);

/** Where the text, decoded, holds a pattern. */
function findDecoded(text: string, { escapes, decode }: Encoding, search: PatternSearch): Span[] {
  const found = merged(search.findIn(text.replace(escapes, decode)));
  if (found.length === 0) return [];
  const ends = found.flatMap(({ start, end }) => [start, end]);
  const places: number[] = [];
  let shift = 0; // how much further an end is in the text than in what it was decoded to
  for (const { 0: written, index } of text.matchAll(escapes)) {
    const { length } = decode(written);
    for (
      let end = ends[places.length];
      end !== undefined && end + shift < index + length;
      end = ends[places.length]
    ) {
      const isWithin = end + shift > index;
      places.push(!isWithin ? end + shift : places.length % 2 === 0 ? index : index + written.length);
    }
    shift += written.length - length;
  }
  for (const end of ends.slice(places.length)) places.push(end + shift);
  return found.map((_, index) => ({ start: places[2 * index] ?? 0, end: places[2 * index + 1] ?? 0 }));
}
