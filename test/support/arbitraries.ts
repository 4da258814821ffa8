/**
 * Arbitraries for property tests: texts, drafts, events, and lines that are nearly right.
 *
 * They are written by hand, not derived from the schema table, so that a mistake in the table shows.
 */
import fc, { type Arbitrary } from 'fast-check';
import type { EventDraft, RunEvent } from '../../src/index.js';
import { encodeEvent } from '../../src/index.js';

const AWKWARD = [
  '',
  '\u2028\u2029',
  '\ufeff',
  '\0\u0001\b\t\n\f\r\u001f\u007f',
  '"\\/"',
  '\\u0041',
  '🚨𝒳\u{10ffff}',
  '\uffff\ufffd',
  '__proto__',
  'null',
  '\u212a', // the Kelvin sign: its lower case is an ASCII k
] as const;

/** Any character there is, but for surrogates; what fast-check calls `binary`, which takes a second to make. */
export const characters: Arbitrary<string> = fc.integer({ min: 0, max: 0x10f7ff }).map(
  number => String.fromCodePoint(number < 0xd800 ? number : number + 0x800),
  character => numberOf(character), // so that fast-check finds its dangerous texts among those made of them
);

function numberOf(character: unknown): number {
  const [first, ...others] = typeof character === 'string' ? character : '';
  const number = first?.codePointAt(0);
  if (number === undefined || others.length > 0) throw new Error('not one character');
  return number < 0xd800 ? number : number - 0x800;
}

/** Any text that UTF-8 can hold. */
export const texts: Arbitrary<string> = fc.oneof(
  fc.string({ unit: characters, maxLength: 12 }),
  fc.string({ maxLength: 20 }),
  fc.constantFrom(...AWKWARD),
  fc.tuple(fc.constantFrom(...AWKWARD), fc.string({ maxLength: 5 })).map(parts => parts.join('')),
);

/** Text with a surrogate that has no partner. */
export const brokenTexts: Arbitrary<string> = fc
  .tuple(fc.string({ maxLength: 3 }), fc.integer({ min: 0xd800, max: 0xdfff }), fc.string({ maxLength: 3 }))
  .map(([before, unit, after]) => before + String.fromCharCode(unit) + after);

/** A path that `output_path` takes: relative, forward slashes, no `..` segment. */
const relativePaths: Arbitrary<string> = fc
  .array(fc.oneof(fc.stringMatching(/^[A-Za-z0-9._ -]{1,8}$/), fc.constantFrom('.omne', 'é', '🚨', '...')), {
    minLength: 1,
    maxLength: 4,
  })
  .map(segments => segments.map(segment => (segment === '..' ? '._' : segment)).join('/'));

/** A ULID in lower case. */
export const ulids: Arbitrary<string> = fc.ulid().map(ulid => ulid.toLowerCase());

/** A run id. */
export const runIds: Arbitrary<string> = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/), ulids)
  .map(([pipe, ulid]) => `${pipe}-${ulid}`);

function draftOf<const T extends string, R, O>(
  type: T,
  required: { [K in keyof R]: Arbitrary<R[K]> },
  optional: { [K in keyof O]: Arbitrary<O[K]> },
) {
  return fc
    .tuple(
      fc.record(required, { noNullPrototype: true }),
      fc.record(optional, { noNullPrototype: true, requiredKeys: [] }),
    )
    .map(([always, sometimes]) => ({ type, ...always, ...sometimes }));
}

function draftsWith(paths: Arbitrary<string>) {
  const input = fc.record({ key: texts, value: texts }, { noNullPrototype: true });
  const kind = fc.constantFrom('command', 'prompt', 'bash', 'loop');
  const method = fc.constantFrom('hook', 'human_cli', 'mcp_tool');
  const errorKind = fc.constantFrom(
    'host_missing',
    'timeout',
    'blocked',
    'gate_failed',
    'gate_timeout',
    'crash',
    'max_iterations_exceeded',
  );
  const iteration = fc.oneof(fc.nat({ max: 4 }), fc.integer({ min: 0, max: 4294967295 }));
  return fc.oneof(
    draftOf(
      'pipe.started',
      { pipe: texts },
      { inputs: fc.array(input, { maxLength: 3 }), distro_version: texts },
    ),
    draftOf('pipe.completed', {}, {}),
    draftOf('pipe.aborted', { reason: texts }, {}),
    draftOf('node.started', { node_id: texts, kind }, { name: texts, model: texts }),
    draftOf('node.completed', { node_id: texts, output_path: paths }, {}),
    draftOf(
      'node.failed',
      { node_id: texts, error: fc.record({ kind: errorKind }, { noNullPrototype: true }) },
      { message: texts },
    ),
    draftOf('gate.passed', { node_id: texts, gate: texts, method }, { stdout: texts }),
    draftOf('iteration.started', { node_id: texts, iteration, byte_offset: fc.maxSafeNat() }, {}),
  );
}

/** A draft that `append` takes. */
export const drafts: Arbitrary<EventDraft> = draftsWith(relativePaths);

/** An event as decoding may give it: `id`, `ts`, `run_id` and `output_path` are any text. */
export const events: Arbitrary<RunEvent> = fc
  .tuple(
    draftsWith(fc.oneof(texts, relativePaths)),
    fc.record({ id: texts, ts: texts, run_id: texts }, { noNullPrototype: true }),
  )
  .map(([draft, stamp]) => {
    const inputs = draft.type === 'pipe.started' ? (draft.inputs ?? []).map(input => ({ ...input })) : [];
    const filled = draft.type === 'pipe.started' ? { distro_version: '', ...draft, inputs } : draft;
    return { ...filled, ...stamp } as RunEvent; // no field of these drafts is undefined
  });

/** An object's member as JSON text: its quoted key, its value. */
export type Member = readonly [key: string, value: string];

/** The members of an event's line, in wire order. */
export function membersOf(event: RunEvent): Member[] {
  return Object.entries(JSON.parse(encodeEvent(event))).map(([key, value]) => [
    JSON.stringify(key),
    JSON.stringify(value),
  ]);
}

/** Puts members together to the text of an object. */
export function joined(members: readonly Member[], space = ''): string {
  const text = members.map(([key, value]) => [key, ':', value].join(space)).join(`${space},${space}`);
  return `${space}{${space}${text}${space}}${space}`;
}

/** White space as JSON knows it, without the newline, which ends a line. */
export const spaces: Arbitrary<string> = fc.stringMatching(/^[ \t\r]{0,3}$/);

/** JSON text with each character of its strings escaped: `"a"` becomes `"\u0061"`. */
export function escaped(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"/g, quoted => {
    const text: string = JSON.parse(quoted);
    return `"${text.replace(/./gs, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;
  });
}

/** Any JSON text, also with `__proto__` keys, lone surrogates, odd numbers and deep nesting. */
export const jsonTexts: Arbitrary<string> = fc.oneof(
  fc.json({ stringUnit: characters, maxDepth: 3 }),
  brokenTexts.map(text => JSON.stringify(text)),
  fc.constantFrom('-0', '1.0', '1e2', '1e400', '0', '4294967296', '9007199254740992', '01', '+1', 'NaN', ''),
  fc.constantFrom(
    'null',
    '[]',
    '{}',
    '""',
    '{"__proto__":{"kind":"bash"}}',
    '{"kind":"crash","kind":"crash"}',
  ),
  fc.constantFrom('[{"key":"a","value":"b","key":"c"}]', '["a","b"]', '{"crash":null}', '"\\ud800"'),
  fc.integer({ min: 1, max: 300 }).map(depth => '['.repeat(depth) + ']'.repeat(depth)),
);

/** Keys the schema has never heard of, as JSON text. */
export const unknownKeys: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '"__proto__"',
    '"constructor"',
    '"toJSON"',
    '"Type"',
    '"type "',
    '"\\u0000"',
    '""',
    '"field"',
  ),
  fc.string({ unit: characters, maxLength: 4 }).map(key => JSON.stringify(`x${key}`)),
);

const memberEdits: Arbitrary<(members: readonly Member[]) => Member[]> = fc
  .tuple(fc.nat(20), fc.nat(20), jsonTexts, unknownKeys, fc.nat(6))
  .map(([first, second, json, unknown, edit]) => members => {
    const at = first % members.length;
    const member = members[at] ?? ['""', '""'];
    const rest = members.toSpliced(at, 1);
    const to = second % members.length;
    const variants: Member[][] = [
      rest.toSpliced(to, 0, member), // moved
      members.toSpliced(to, 0, member), // repeated
      rest, // removed
      members.with(at, [escaped(member[0]), escaped(member[1])]),
      members.with(at, [member[0], json]),
      members.toSpliced(to, 0, [unknown, json]),
      members.toSpliced(to, 0, [member[0], json]),
    ];
    return variants[edit] ?? rest;
  });

/** The line of an event with its members moved, repeated, removed, escaped, replaced or joined by strangers. */
export const rearrangedLines: Arbitrary<Uint8Array> = fc
  .tuple(events, fc.array(memberEdits, { minLength: 1, maxLength: 3 }), spaces)
  .map(([event, edits, space]) => {
    const members = edits.reduce((kept, edit) => (kept.length === 0 ? kept : edit(kept)), membersOf(event));
    return Buffer.from(joined(members, space));
  });

const byteEdits: Arbitrary<(line: Uint8Array) => Uint8Array> = fc
  .tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[]",:\\ 0-\n'))), fc.nat(3))
  .map(([position, byte, edit]) => line => {
    const at = position % (line.length + 1);
    const [before, behind] = [line.subarray(0, at), line.subarray(at)];
    const one = Uint8Array.of(byte);
    const variants = [
      [before, one, behind.subarray(1)], // changed
      [before, one, behind], // inserted
      [before, behind.subarray(1)], // removed
      [before], // cut off
    ];
    return Buffer.concat(variants[edit] ?? []);
  });

/** The canonical line of an event with one or two bytes changed, inserted or removed, or its end cut off. */
const damagedLines: Arbitrary<Uint8Array> = fc
  .tuple(events, fc.array(byteEdits, { minLength: 1, maxLength: 2 }))
  .map(([event, edits]) =>
    edits.reduce<Uint8Array>((line, edit) => edit(line), Buffer.from(encodeEvent(event))),
  );

/** Any line: canonical, rearranged, damaged, other JSON, noise. */
export const lines: Arbitrary<Uint8Array> = fc.oneof(
  { weight: 1, arbitrary: events.map(event => Buffer.from(encodeEvent(event))) },
  { weight: 4, arbitrary: rearrangedLines },
  { weight: 4, arbitrary: damagedLines },
  { weight: 1, arbitrary: jsonTexts.map(text => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 80 }) },
);
