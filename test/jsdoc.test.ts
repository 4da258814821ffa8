/** Every public name is documented where a user's editor shows it: in the declarations of the built package. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const DIST = new URL('../dist/', import.meta.url);

/** A documented thing: its name, its doc comment (empty when it has none) and its declaration. */
interface Documented {
  readonly name: string;
  readonly doc: string;
  readonly declaration: string;
}

/** The public names of an entry, each with the file that declares it. */
function publicNames(entry: string): { name: string; file: string }[] {
  const index = readFileSync(new URL(entry, DIST), 'utf8');
  return [...index.matchAll(/^export (?:type )?\{([^}]*)\} from '\.\/(.+)\.js';$/gm)].flatMap(
    ([, names = '', file = '']) =>
      names
        .split(',')
        .map(name => name.trim().replace(/^type /, ''))
        .filter(name => name !== '')
        .map(name => ({ name, file })),
  );
}

/** The doc comment that ends right before a place in a text. */
function docBefore(text: string): string {
  return /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.exec(text)?.[0] ?? '';
}

function declarationOf({ name, file }: { name: string; file: string }): Documented {
  const text = readFileSync(new URL(`${file}.d.ts`, DIST), 'utf8');
  const start = text.search(
    new RegExp(`^export (declare )?(abstract )?(class|interface|type|const|function) ${name}\\b`, 'm'),
  );
  expect(start, `${name} is declared in ${file}.d.ts`).toBeGreaterThan(-1);
  const end = text.slice(start).search(/[;}]$/m);
  const block = /\{$/m.test(text.slice(start, start + text.slice(start).indexOf('\n')));
  const length = block ? text.slice(start).search(/^\};?$/m) : end;
  return { name, doc: docBefore(text.slice(0, start)), declaration: text.slice(start, start + length) };
}

/** The members of a class or an interface that a user can see. */
function membersOf({ name, declaration }: Documented): Documented[] {
  if (!/^export (declare )?(abstract )?(class|interface) /.test(declaration)) return [];
  return [...declaration.matchAll(/^ {4}(?!\s|\*|\/|#private|private |\})(.+)$/gm)].map(match => ({
    name: `${name}: ${match[1]}`,
    doc: docBefore(declaration.slice(0, match.index)),
    declaration: match[1] ?? '',
  }));
}

const declarations = ['index.d.ts', 'jetstream.d.ts', 'web.d.ts'].flatMap(publicNames).map(declarationOf);
const members = declarations.flatMap(membersOf);

function namesOf(found: readonly Documented[]): string[] {
  return found.map(({ name }) => name);
}

/** Every doc comment of the sources, each with the file it is in. */
function docsOfSources(): { file: string; doc: string }[] {
  const folder = new URL('../src/', import.meta.url);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .flatMap(file => {
      const docs = readFileSync(new URL(file, folder), 'utf8').match(/\/\*\*[\s\S]*?\*\//g) ?? [];
      return docs.map(doc => ({ file, doc }));
    });
}

describe('the documentation of the public names', () => {
  test('is looked for where the names are', () => {
    const names = namesOf(declarations);
    expect(names).toEqual(expect.arrayContaining(['EventLog', 'RunSummary', 'VerifyReport', 'RemoteTail']));
    expect(names.length).toBeGreaterThan(45);
    expect(members.length).toBeGreaterThan(110);
  });

  test('is there for every declaration', () => {
    expect(namesOf(declarations.filter(({ doc }) => doc === ''))).toEqual([]);
  });

  test('is there for every member of a class or an interface', () => {
    expect(namesOf(members.filter(({ doc }) => doc === ''))).toEqual([]);
  });

  test('has an example for every function and class', () => {
    const used = declarations.filter(({ declaration }) =>
      /^export declare (abstract )?(class|function)/.test(declaration),
    );
    expect(used.length).toBeGreaterThan(15);
    expect(namesOf(used.filter(({ doc }) => !doc.includes('@example')))).toEqual([]);
  });

  test('has an example where a call alone does not show how it is used', () => {
    const all = [...declarations, ...members];
    for (const name of ['EVENT_TYPES', 'flush', 'close', 'read', 'tail', 'batches', 'toArray', 'apply']) {
      const found = all.filter(each => each.name === name || new RegExp(`: ${name}[(<]`).test(each.name));
      expect(
        found.some(({ doc }) => doc.includes('@example')),
        name,
      ).toBe(true);
    }
  });

  test('names no error code that there is not', () => {
    const source = readFileSync(new URL('../src/errors.ts', import.meta.url), 'utf8');
    const codes = new Set([...source.matchAll(/^ {2}\| '(ERR_\w+)'/gm)].map(([, code]) => code));
    const named = docsOfSources().flatMap(({ file, doc }) =>
      (doc.match(/\bERR_\w+/g) ?? []).map(code => ({ file, code })),
    );
    expect(named.length).toBeGreaterThan(60);
    expect(named.filter(({ code }) => !codes.has(code))).toEqual([]);
  });

  test('says for every option what holds without it', () => {
    const options = members.filter(({ name, declaration }) => {
      return /^\w+Options: /.test(name) && /^\w+\?: /.test(declaration);
    });
    expect(options.length).toBeGreaterThan(25);
    expect(namesOf(options.filter(({ doc }) => !doc.includes('default')))).toEqual([]);
  });

  test('says for every absent field when it is absent', () => {
    const fields = members.filter(({ name, declaration }) => {
      return !/^(\w+Options|ErrorFacts): /.test(name) && /^readonly \w+\?: /.test(declaration);
    });
    expect(fields.length).toBeGreaterThan(15);
    expect(namesOf(fields.filter(({ doc }) => !/absent/i.test(doc)))).toEqual([]);
  });

  test('names the unit of every number of milliseconds or bytes', () => {
    const unitOf = (text: string) =>
      /^(?:readonly )?(?:\w*(?:Timeout|Interval|Ms))\??:/.test(text)
        ? /milliseconds/
        : /^(?:readonly |get )?(?:\w*[bB]ytes|offset|position|from|start|end)(?:\(\))?\??: (?:number)/.test(
              text,
            )
          ? /byte/i
          : undefined;
    const measured = members.filter(({ declaration }) => unitOf(declaration) !== undefined);
    expect(measured.length).toBeGreaterThan(20);
    expect(namesOf(measured.filter(({ declaration, doc }) => !unitOf(declaration)?.test(doc)))).toEqual([]);
  });
});
