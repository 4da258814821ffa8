/** The last words of a run of the tests: how many were skipped, and what to install so that they run. */
import type { Reporter, TestModule } from 'vitest/node';
import { whatIsMissing } from './trials.js';

/** What to print; undefined when no test was skipped. */
export function skippedNotice(skipped: number, missing: readonly string[]): string | undefined {
  if (skipped === 0) return undefined;
  const tests = skipped === 1 ? '1 test was skipped' : `${skipped} tests were skipped`;
  return missing.length === 0
    ? `${tests}.`
    : `${tests}. This machine lacks what they need: ${missing.join(', ')}.`;
}

/** A reporter of Vitest beside the one that prints the results. */
export class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap(module => [...module.children.allTests('skipped')]);
    const notice = skippedNotice(tests.length, tests.length === 0 ? [] : whatIsMissing());
    if (notice !== undefined) console.log(`\n${notice}`);
  }
}
