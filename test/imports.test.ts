/** Which wing of the source may import which: the table below is the law, and every import is held against it. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const SOURCE = new URL('../src/', import.meta.url);

/** For each wing, in reading order: what it may import besides itself. `.` is what lies in `src/` itself and is shared by all. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  '.': [],
  'format/lanes': ['format'],
  format: ['.', 'format/lanes'],
  volume: ['.'],
  append: ['.', 'format', 'volume'],
  read: ['.', 'format', 'format/lanes', 'volume'],
  'read/all': ['.', 'format', 'volume', 'read'],
  run: ['.', 'format', 'volume', 'append', 'read'],
  'run/output': ['.', 'format', 'volume', 'run'],
  public: ['.', 'format', 'volume', 'append', 'read', 'read/all', 'run'],
  jetstream: ['.', 'format', 'volume'],
  'jetstream/fetch': ['.', 'format', 'volume', 'read', 'run', 'jetstream'],
  'jetstream/ship': ['.', 'format', 'volume', 'append', 'read', 'jetstream'],
  'public/jetstream': ['jetstream/fetch', 'jetstream/ship'],
  'web/api': [],
  web: [
    '.',
    'web/api',
    'public',
    'public/jetstream',
    'format',
    'volume',
    'read',
    'run',
    'run/output',
    'jetstream/fetch',
  ],
  'public/web': ['web', 'web/api'],
  'web/page': ['web/api'],
  mcp: ['.', 'public', 'read', 'volume', 'run', 'run/output'],
  'cli/screen': ['.', 'format', 'public', 'run'],
  'cli/timeline': ['.', 'public', 'run', 'cli/screen'],
  'cli/demo': ['.', 'public'],
  cli: [
    '.',
    'public',
    'public/jetstream',
    'format',
    'read',
    'run',
    'volume',
    'jetstream',
    'jetstream/fetch',
    'cli/screen',
  ],
  'cli/commands': [
    '.',
    'public',
    'public/jetstream',
    'public/web',
    'format',
    'run',
    'run/output',
    'volume',
    'mcp',
    'cli',
    'cli/screen',
    'cli/timeline',
    'cli/demo',
  ],
  'public/cli': ['.', 'cli', 'cli/commands', 'cli/screen'],
};

/** Files in `src/` itself that are faces of a wing, not shared by all. */
const FACES: Readonly<Record<string, string>> = {
  index: 'public',
  'event-log': 'public',
  jetstream: 'public/jetstream',
  web: 'public/web',
  cli: 'public/cli',
  'cli/main': 'public/cli',
  'web/api': 'web/api', // types alone: the one thing that the page knows of its server
};

const paths = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(file => /\.tsx?$/.test(file));
const pathsByName = new Map(paths.map(path => [path.replace(/\.tsx?$/, ''), path]));
const files = [...pathsByName.keys()];

function textOf(name: string): string {
  return readFileSync(new URL(pathsByName.get(name) ?? name, SOURCE), 'utf8');
}

function wingOf(name: string): string {
  const end = name.lastIndexOf('/');
  return FACES[name] ?? (end === -1 ? '.' : name.slice(0, end));
}

/** The project's own files that a file imports or exports again, types included. */
function importsOf(name: string): string[] {
  const found = textOf(name).matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']*)'/g);
  return [...found].map(([, path = '']) => {
    return new URL(path, new URL(`${name}.ts`, SOURCE)).href.slice(SOURCE.href.length).replace(/\.js$/, '');
  });
}

describe('imports run one way', () => {
  test('every wing is in the table, and the table names no other', () => {
    expect([...new Set(files.map(wingOf))].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
  });

  test.for(files)('%s imports only from wings that its own may import', name => {
    const allowed = [wingOf(name), ...(MAY_IMPORT[wingOf(name)] ?? [])];
    expect(importsOf(name).filter(imported => !allowed.includes(wingOf(imported)))).toEqual([]);
  });

  test('the table allows nothing that no file needs', () => {
    const imported = new Map<string, Set<string>>();
    for (const name of files) {
      const wings = imported.get(wingOf(name)) ?? new Set();
      imported.set(wingOf(name), wings);
      for (const other of importsOf(name)) wings.add(wingOf(other));
    }
    for (const [wing, allowed] of Object.entries(MAY_IMPORT)) {
      expect([wing, allowed.filter(other => !imported.get(wing)?.has(other))]).toEqual([wing, []]);
    }
  });

  test('a wing imports only from wings above it in the table, but for the lanes, which are part of the format', () => {
    const order = Object.keys(MAY_IMPORT);
    const below = ([wing, allowed]: [string, readonly string[]]) =>
      allowed.filter(other => order.indexOf(other) > order.indexOf(wing)).map(other => `${wing} -> ${other}`);
    expect(Object.entries(MAY_IMPORT).flatMap(below)).toEqual(['format/lanes -> format']);
  });

  test('no file imports itself by way of others', () => {
    const done = new Set<string>();
    const circleFrom = (name: string, path: readonly string[]): readonly string[] | undefined => {
      if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
      if (done.has(name)) return undefined;
      for (const imported of importsOf(name)) {
        const circle = circleFrom(imported, [...path, name]);
        if (circle !== undefined) return circle;
      }
      done.add(name);
      return undefined;
    };
    expect(files.flatMap(name => circleFrom(name, []) ?? [])).toEqual([]);
  });

  test('this test sees every import: no other text of a source file names a project file', () => {
    for (const name of files) {
      const mentioned = [...textOf(name).matchAll(/['"`]\.{1,2}\/[^'"`]*\.[jt]s['"`]/g)];
      expect([name, importsOf(name).length]).toEqual([name, mentioned.length]);
    }
    expect(importsOf('index').length).toBeGreaterThan(5);
  });
});
