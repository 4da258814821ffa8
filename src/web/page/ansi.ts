/**
 * A line of terminal output as styled spans: colours and weights (SGR), links (OSC 8), carriage returns that overwrite.
 *
 * Promises: the spans hold text alone; whoever shows them makes text nodes. A link leads to http, https or mailto or is none.
 * Every other escape sequence is left out; a control character that is left is made visible.
 */
import { visible } from './text.js';

/** Text of one look. */
export interface Span {
  readonly text: string;
  /** Names of classes, with spaces between. */
  readonly looks: string;
  /** Colours beyond the sixteen that have a class; absent where there is none. */
  readonly colour?: string;
  readonly ground?: string;
  /** Where it links to; absent where it does not. */
  readonly href?: string;
}

interface Style {
  readonly flags: ReadonlySet<string>;
  readonly colour: number | string | undefined;
  readonly ground: number | string | undefined;
  readonly href: string | undefined;
}

const PLAIN: Style = { flags: new Set(), colour: undefined, ground: undefined, href: undefined };
// In this order: CSI, OSC (ended by BEL or ST), other strings, two-character sequences.
const SEQUENCE =
  /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\]([^\x07\x1b]*)(?:\x07|\x1b\\|$)|\x1b[PX^_][^\x1b]*(?:\x1b\\|$)|\x1b[ -/]*[0-~]|\x1b/g;

/** The spans of one line, without its newline. */
export function spansOf(line: string): Span[] {
  const cells = new Cells();
  let style = PLAIN;
  let done = 0;
  for (const found of line.matchAll(SEQUENCE)) {
    cells.write(line.slice(done, found.index), style);
    done = found.index + found[0].length;
    const [, parameters, final, operating] = found;
    if (final === 'm') style = styled(style, parameters ?? '');
    else if (final === 'K') cells.erase(parameters ?? '');
    else if (operating?.startsWith('8;') === true) style = { ...style, href: linkOf(operating) };
  }
  cells.write(line.slice(done), style);
  return cells.spans();
}

/** The text of a line as a terminal shows it. */
export function plainText(line: string): string {
  return spansOf(line)
    .map(({ text }) => text)
    .join('');
}

/** A row of the terminal: runs of text while nothing overwrites, cells once a carriage return was met. */
class Cells {
  #runs: { text: string; style: Style }[] = [];
  #column: number | undefined; // where to write next, once that is not the end

  write(text: string, style: Style): void {
    const [first = '', ...rest] = text.split('\r');
    this.#put(first, style);
    for (const part of rest) {
      this.#column = 0;
      this.#put(part, style);
    }
  }

  #put(text: string, style: Style): void {
    if (text === '') return;
    if (this.#column !== undefined) {
      const end = this.#column + text.length;
      this.#runs = [...cut(this.#runs, 0, this.#column), { text, style }, ...cut(this.#runs, end, Infinity)];
      this.#column = end;
    } else this.#runs.push({ text, style });
  }

  erase(how: string): void {
    if (this.#column !== undefined && (how === '' || how === '0'))
      this.#runs = cut(this.#runs, 0, this.#column);
    if (how === '2') this.#runs = [];
  }

  spans(): Span[] {
    return this.#runs.map(({ text, style }) => spanOf(visible(text), style));
  }
}

function cut(
  runs: readonly { text: string; style: Style }[],
  from: number,
  to: number,
): { text: string; style: Style }[] {
  let at = 0;
  return runs.flatMap(({ text, style }) => {
    const [start, end] = [Math.max(0, from - at), Math.min(text.length, to - at)];
    at += text.length;
    return start < end ? [{ text: text.slice(start, end), style }] : [];
  });
}

function spanOf(text: string, { flags, colour, ground, href }: Style): Span {
  const [front, back] = flags.has('inverse') ? [ground ?? 0, colour ?? 7] : [colour, ground];
  const looks = [...flags].filter(flag => flag !== 'inverse');
  if (typeof front === 'number') looks.push(`fg${front}`);
  if (typeof back === 'number') looks.push(`bg${back}`);
  return {
    text,
    looks: looks.join(' '),
    ...(typeof front === 'string' ? { colour: front } : {}),
    ...(typeof back === 'string' ? { ground: back } : {}),
    ...(href === undefined ? {} : { href }),
  };
}

const FLAGS: Readonly<Record<number, string>> = {
  1: 'bold',
  2: 'dim',
  3: 'italic',
  4: 'underline',
  7: 'inverse',
  9: 'struck',
};
const OFF: Readonly<Record<number, readonly string[]>> = {
  22: ['bold', 'dim'],
  23: ['italic'],
  24: ['underline'],
  27: ['inverse'],
  29: ['struck'],
};

function styled(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number);
  let { colour, ground } = style;
  const flags = new Set(style.flags);
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    const flag = FLAGS[code];
    if (code === 0) {
      flags.clear();
      [colour, ground] = [undefined, undefined];
    } else if (flag !== undefined) flags.add(flag);
    else if (code in OFF) for (const off of OFF[code] ?? []) flags.delete(off);
    else if (code === 38 || code === 48) {
      const [value, used] = extended(codes, at + 1);
      if (code === 38) colour = value;
      else ground = value;
      at += used;
    } else if (code === 39) colour = undefined;
    else if (code === 49) ground = undefined;
    else if (code >= 30 && code <= 37) colour = code - 30;
    else if (code >= 90 && code <= 97) colour = code - 82;
    else if (code >= 40 && code <= 47) ground = code - 40;
    else if (code >= 100 && code <= 107) ground = code - 92;
  }
  return { flags, colour, ground, href: style.href };
}

/** A colour of 256 or of millions; and how many codes it took. */
function extended(codes: readonly number[], at: number): [number | string | undefined, number] {
  const [kind, a = 0, b = 0, c = 0] = codes.slice(at, at + 4);
  if (kind === 2) return [`rgb(${a & 255},${b & 255},${c & 255})`, 4];
  if (kind !== 5) return [undefined, 0];
  if (a < 16) return [a, 2];
  if (a >= 232)
    return [
      `rgb(${Array(3)
        .fill((a - 232) * 10 + 8)
        .join(',')})`,
      2,
    ];
  const level = (part: number) => (part === 0 ? 0 : part * 40 + 55);
  const cube = a - 16;
  return [`rgb(${level(Math.floor(cube / 36))},${level(Math.floor(cube / 6) % 6)},${level(cube % 6)})`, 2];
}

function linkOf(command: string): string | undefined {
  const target = command.slice(command.indexOf(';', 2) + 1);
  return /^(?:https?:\/\/|mailto:)[\x21-\x7e]+$/i.test(target) ? target : undefined;
}
