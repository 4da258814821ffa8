/** In which order the test files run, and which of them share a process. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { fullStrength } from './rounds.js';

/** Files that take long, most of it waiting for others: begun first, they cost next to nothing. The longest is the first. */
const LONG = [
  'web/page.test.ts',
  'jetstream/reading.test.ts',
  'jetstream/mirror-pause.test.ts',
  'jetstream/mirror-cluster.test.ts',
  'package.test.ts',
  'cli/views.test.ts',
  'jetstream/mirror-run.test.ts',
  'read/all/volume-stream.test.ts',
  'append/threads.test.ts',
  'web/safety.test.ts',
  'bundles.test.ts',
  'jest.test.ts',
  'cli/nats.test.ts',
  'append/faults.test.ts',
  'readme.test.ts',
].map(name => `test/${name}`);

/** Wings whose tests are of texts, or start processes: what they leave to the next file in their process is its modules. */
const SHARING = /^test\/(cli|format|mcp|power)\//;
/** What must not be left to the next file: modules and clocks replaced, a server, a browser. */
const OF_ITS_OWN =
  /\bvi\.(mock|doMock|resetModules|useFakeTimers|stub|spyOn)|\/nats-server\.js'|process\.env\[.*\] = /;

/** The test files that share processes, whose modules are loaded once; where all counts, each has its own. */
export function filesThatShare(): string[] {
  if (fullStrength) return [];
  const folder = fileURLToPath(new URL('..', import.meta.url));
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(path => `test/${path.replaceAll(sep, '/')}`)
    .filter(path => SHARING.test(path) && path.endsWith('.test.ts'))
    .filter(path => !OF_ITS_OWN.test(readFileSync(join(folder, '..', path), 'utf8')));
}

/** Long files first, and files that share a process one after the other. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project, moduleId }: TestSpecification): number => {
      const place = LONG.indexOf(relative(project.config.root, moduleId));
      if (place >= 0) return place;
      return LONG.length + (project.config.isolate ? 0 : 1);
    };
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
