/**
 * Mutation tests (`npm run mutate`): Stryker changes one comparison, condition, sum or block of a file after the other, and
 * the tests of these files, and those of the diagnostics of commits, have to notice. Texts are left alone, and what the compiler alone
 * would refuse.
 */
import { defineConfig } from 'vitest/config';

const names = [
  'append/batch-outcome',
  'append/commit-queue',
  'append/committer',
  'append/log-writer',
  'append/recovery',
  'diagnostics',
  'format/lines',
];

export default defineConfig({
  test: { include: names.map(name => `test/${name}.test.ts`), testTimeout: 30_000 },
});
