/**
 * Finding special bytes sixteen at a time: a WebAssembly module of one function, put together here from its instructions.
 *
 * Promise: it knows nothing of lines or events, and what it writes is what `findByBytes` of `specials.ts` writes: a test holds
 * the two together. Reading ahead where quotes and backslashes stand, by vectors, comes from simdjson (G. Langdale, D. Lemire:
 * "Parsing gigabytes of JSON per second", 2019).
 */

/** The memory of the module, and its function. */
export interface SimdFinder {
  readonly memory: { readonly buffer: ArrayBuffer };
  /**
   * Looks at the bytes in [0, end) of the memory, which stand at `origin` in some buffer, and at up to `OVERRUN` bytes after
   * them. From the address `out` on it writes an entry for each special byte, and one for the place after the last byte it has
   * looked at; it returns the address of that one. `surplus` is by how much UTF-16 positions are after those of bytes.
   */
  readonly find: (end: number, out: number, origin: number, surplus: number) => number;
}

/** How many bytes after the end are looked at, at most: a step is four vectors. */
export const OVERRUN = 63;

/** Absent where Node runs without compilers (`--jitless`); the types of Node do not know it. */
declare const WebAssembly:
  | undefined
  | {
      readonly Module: new (binary: Uint8Array) => object;
      readonly Instance: new (module: object) => { readonly exports: SimdFinder };
    };

/** Makes the module with a memory of so many bytes; undefined where the platform has no vectors, or no memory for it. */
export function makeSimdFinder(memoryBytes: number): SimdFinder | undefined {
  try {
    if (WebAssembly === undefined) return undefined;
    return new WebAssembly.Instance(new WebAssembly.Module(moduleOf(memoryBytes))).exports;
  } catch {
    return undefined; // whatever the reason is: `findByBytes` does the same
  }
}

type Code = readonly number[];

/** Writes an instruction after its operands. */
const instruction =
  (...opcode: number[]) =>
  (...operands: Code[]): Code => [...operands.flat(), ...opcode];

// The instructions in use, by their names in the specification of WebAssembly.
const get = (local: number): Code => [0x20, local];
const set = (local: number, value: Code): Code => [...value, 0x21, local];
const constant = (value: number): Code => [0x41, value]; // up to 63
const add = instruction(0x6a);
const subtract = instruction(0x6b);
const isZero = instruction(0x45);
const isAtLeast = instruction(0x4f);
// Of 64 bits:
const wide = instruction(0xad); // from 32 bits
const narrow = instruction(0xa7);
const wideConstant = (value: number): Code => [0x42, value]; // up to 63
const addWide = instruction(0x7c);
const subtractWide = instruction(0x7d);
const multiplyWide = instruction(0x7e);
const andWide = instruction(0x83);
const orWide = instruction(0x84);
const shiftLeft = instruction(0x86);
const isZeroWide = instruction(0x50);
const trailingZeros = instruction(0x7a);
const onesIn = instruction(0x7b);
const store = instruction(0x37, 3, 0);
// Of vectors:
const load = (address: Code, offset: number): Code => [...address, 0xfd, 0x00, 0, offset];
const each = (byte: number): Code => [0xfd, 0x0c, ...Array<number>(16).fill(byte)];
const equal = instruction(0xfd, 0x23);
const isBelowSigned = instruction(0xfd, 0x25);
const isBelow = instruction(0xfd, 0x26);
const isFrom = instruction(0xfd, 0x2c);
const either = instruction(0xfd, 0x50);
const topBits = instruction(0xfd, 0x64);

const VOID = 0x40;
const when = (test: Code, yes: Code[], no: Code[]): Code => [
  ...test,
  0x04,
  VOID,
  ...yes.flat(),
  0x05,
  ...no.flat(),
  0x0b,
];
/** Repeats the body until the test, which comes after `before`, is true. */
const repeatUntil = (before: Code, test: Code, body: Code[]): Code => [
  ...[0x02, VOID, 0x03, VOID], // a block, to leave, around a loop, to go on
  ...[...before, ...test, 0x0d, 1],
  ...[...body.flat(), 0x0c, 0],
  ...[0x0b, 0x0b],
];

// Parameters and locals, by number.
const [END, OUT, ORIGIN, SURPLUS, AT] = [0, 1, 2, 3, 4] as const;
const VECTORS = [5, 6, 7, 8] as const;
const [SPECIAL, INNER, FOUR, BELOW, PLACE] = [9, 10, 11, 12, 13] as const;

/** A bit for each byte of the vectors that passes a test. */
const bits = (test: (vector: Code) => Code): Code =>
  VECTORS.map((vector, place) =>
    shiftLeft(wide(topBits(test(get(vector)))), wideConstant(16 * place)),
  ).reduce((before, next) => orWide(before, next));

/** A control character, a quote or a backslash. */
const isSpecial = (vector: Code): Code =>
  either(either(isBelow(vector, each(0x20)), equal(vector, each(0x22))), equal(vector, each(0x5c)));
/** An inner byte of a character: 0x80 to 0xbf, the lowest there are as signed numbers. */
const isInner = (vector: Code): Code => isBelowSigned(vector, each(0xc0));
/** The first byte of a character of four bytes, which has two UTF-16 units. */
const isFour = (vector: Code): Code => isFrom(vector, each(0xf0));

/** By how much the characters found, as far as `mask` lets them through, have more bytes than UTF-16 units. */
const surplusIn = (mask: (found: Code) => Code): Code =>
  subtractWide(onesIn(mask(get(INNER))), onesIn(mask(get(FOUR))));

/** An entry has the position in its lower half, and the UTF-16 position in the upper one. */
const upper = (value: Code): Code => shiftLeft(value, wideConstant(32));
const position = add(get(ORIGIN), get(AT));
const entryHere = orWide(wide(position), upper(wide(subtract(position, get(SURPLUS)))));
/** 2^32 + 1, in the bytes of LEB128: it puts a number into both halves. */
const BOTH_HALVES: Code = [0x42, 0x81, 0x80, 0x80, 0x80, 0x10];
/** That of the lowest bit of `SPECIAL`, when all before it is ASCII. */
const entryThere = addWide(get(PLACE), multiplyWide(trailingZeros(get(SPECIAL)), BOTH_HALVES));

/** Writes an entry for each bit of `SPECIAL`. */
const writeEach = (before: Code, entry: Code): Code =>
  repeatUntil([], isZeroWide(get(SPECIAL)), [
    before,
    store(get(OUT), entry),
    set(OUT, add(get(OUT), constant(8))),
    set(SPECIAL, andWide(get(SPECIAL), subtractWide(get(SPECIAL), wideConstant(1)))),
  ]);
const lowestBit = andWide(get(SPECIAL), subtractWide(wideConstant(0), get(SPECIAL)));

const BODY: Code = [
  ...repeatUntil(set(PLACE, entryHere), isAtLeast(get(AT), get(END)), [
    ...VECTORS.map((vector, place) => set(vector, load(get(AT), 16 * place))),
    set(SPECIAL, bits(isSpecial)),
    when(
      isZero(topBits(VECTORS.map(get).reduce((before, next) => either(before, next)))), // all of it is ASCII
      [writeEach([], entryThere)],
      [
        set(INNER, bits(isInner)),
        set(FOUR, bits(isFour)),
        writeEach(
          set(BELOW, subtractWide(lowestBit, wideConstant(1))),
          subtractWide(entryThere, upper(surplusIn(found => andWide(found, get(BELOW))))),
        ),
        set(SURPLUS, add(get(SURPLUS), narrow(surplusIn(found => found)))),
      ],
    ),
    set(AT, add(get(AT), [0x41, 0xc0, 0x00])), // 64, in the bytes of LEB128
  ]),
  ...store(get(OUT), get(PLACE)),
  ...get(OUT),
  0x0b,
];

const I32 = 0x7f;
const I64 = 0x7e;
const V128 = 0x7b;
/** How many locals of which type, in the order of their numbers. */
const LOCALS: Code = [3, ...[1, I32], ...[4, V128], ...[5, I64]];

function moduleOf(memoryBytes: number): Uint8Array {
  const pages = Math.ceil(memoryBytes / 65_536);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
    ...section(1, [1, 0x60, 4, I32, I32, I32, I32, 1, I32]), // one type: four numbers -> one number
    ...section(3, [1, 0]), // one function of that type
    ...section(5, [1, 0, ...count(pages)]), // one memory
    ...section(7, [2, ...named('memory', 2), ...named('find', 0)]), // both are exported
    ...section(10, [1, ...sized([...LOCALS, ...BODY])]),
  ]);
}

function section(id: number, content: Code): Code {
  return [id, ...sized(content)];
}

function sized(content: Code): Code {
  return [...count(content.length), ...content];
}

function named(name: string, kind: number): Code {
  return [...sized([...Buffer.from(name)]), kind, 0];
}

/** An unsigned number in LEB128. */
function count(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...count(value >>> 7)];
}
