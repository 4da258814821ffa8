import { defineConfig } from 'vitest/config';

/** The tests of the mutated files that run in one process and are over in seconds. */
const names = ['queue', 'commit', 'lines', 'recovery', 'scan', 'scan-damage', 'file', 'crash', 'properties', 'reader', 'closing'];

export default defineConfig({
  test: { include: names.map(name => `test/${name}.test.ts`), testTimeout: 30_000 },
});
