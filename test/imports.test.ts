/** The layout in the header of src/index.ts is the law: the imports of every file are held against it. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const SOURCE = new URL('../src/', import.meta.url);

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts'))
  .map(file => file.slice(0, -'.ts'.length));
const layout = layoutOf(textOf('index'));
// The entry exports what stands above it; where the layout does not name it, that is everything.
const order = layout.includes('index') ? layout : [...layout, 'index'];

function textOf(name: string): string {
  return readFileSync(new URL(`${name}.ts`, SOURCE), 'utf8');
}

/** The file names in reading order; a line of the layout is one name or several, then what they do. */
function layoutOf(text: string): string[] {
  const header = text.slice(text.indexOf('Layout'), text.indexOf('*/'));
  return [...header.matchAll(/^ \* {5}([\w/-]+(?:, [\w/-]+)*) /gm)].flatMap(([, line = '']) =>
    line.split(', '),
  );
}

/** The project's own files that a file imports or exports again, types included. */
function importsOf(name: string): string[] {
  const found = textOf(name).matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']*)'/g);
  return [...found].map(([, path = '']) => {
    return new URL(path, new URL(`${name}.ts`, SOURCE)).href.slice(SOURCE.href.length).replace(/\.js$/, '');
  });
}

describe('the layout in src/index.ts', () => {
  test('names every source file', () => {
    expect(files.filter(name => !order.includes(name))).toEqual([]);
  });

  test('names no file that is not there, and none twice', () => {
    expect(order.filter((name, index) => !files.includes(name) || order.indexOf(name) !== index)).toEqual([]);
  });

  test('starts with errors, which import nothing of the project', () => {
    expect(order[0]).toBe('errors');
    expect(importsOf('errors')).toEqual([]);
  });
});

describe('imports run one way only', () => {
  test('the library imports nothing of the command', () => {
    const library = files.filter(name => name !== 'cli' && !name.startsWith('cli/'));
    expect(library.flatMap(importsOf).filter(name => name.startsWith('cli'))).toEqual([]);
    expect(library).toContain('event-log');
  });

  test.for(files)('%s imports only files above it', name => {
    const above = order.slice(0, Math.max(0, order.indexOf(name)));
    expect(importsOf(name).filter(imported => !above.includes(imported))).toEqual([]);
  });

  test('this test sees every import: no other text of a source file names a project file', () => {
    for (const name of files) {
      const mentioned = [...textOf(name).matchAll(/['"`]\.{1,2}\/[^'"`]*\.[jt]s['"`]/g)];
      expect([name, importsOf(name).length]).toEqual([name, mentioned.length]);
    }
    expect(importsOf('index').length).toBeGreaterThan(5);
  });
});
