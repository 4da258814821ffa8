/** In which order the test files run, and which of them share a process. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { fullStrength } from './rounds.js';

/**
 * Files that take long are begun first, the longest before all others. Most wait for a server or a disk: two or three of these at a
 * time, among files that keep the processor busy.
 */
const LONG = [
  'jetstream/reading.test.ts',
  'jetstream/mirror-pause.test.ts',
  'web/page.test.ts',
  'package.test.ts',
  'cli/views.test.ts',
  'bundles.test.ts',
  'append/faults.test.ts',
  'readme.test.ts',
  'jetstream/mirror-cluster.test.ts',
  'jetstream/mirror-run.test.ts',
  'run/executor-page.test.ts',
  'event-log.test.ts',
  'typescript.test.ts',
  'append/threads.test.ts',
  'jetstream/remote-log.test.ts',
  'web/output-followers.test.ts',
  'web/safety.test.ts',
  'jest.test.ts',
  'jetstream/mirror-volume.test.ts',
  'read/all/cost.test.ts',
].map(name => `test/${name}`);

/** Files that are the only ones that need what they load, or that have programs measured: a process costs them little. */
const ALONE = /^test\/(package|bundles|jest|typescript|processes|properties|append\/kill)\.test\.ts$/;
/** Files that wait for a server most of the time: others run meanwhile. */
const WAITING = /^test\/jetstream\/(reading|remote-log|mirror-(pause|cluster|run|volume))\.test\.ts$/;
/**
 * What must not be left to the next file in a process, or is not to be had from it: modules, clocks and functions of all
 * replaced, a browser, threads, a limit, and a count of memory or of processor time.
 */
const OF_ITS_OWN = [
  /\bvi\.(mock|doMock|resetModules|useFakeTimers|stub)|spyOn\((fs|files), |\.prototype\.|process\.env\[.*\] = /,
  /\/(browser|diagnostics|file-calls)\.js'|new Worker\(|'--pid'/,
  /process\.(memoryUsage|cpuUsage)\b/,
];

/** The test files that share processes, whose modules are loaded once; where all counts, each has its own. */
export function filesThatShare(): string[] {
  if (fullStrength) return [];
  const folder = fileURLToPath(new URL('..', import.meta.url));
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(path => `test/${path.replaceAll(sep, '/')}`)
    .filter(path => path.endsWith('.test.ts') && !ALONE.test(path) && !WAITING.test(path))
    .filter(path => {
      const source = readFileSync(join(folder, '..', path), 'utf8');
      return !OF_ITS_OWN.some(reason => reason.test(source));
    });
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
