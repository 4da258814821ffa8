import { defineConfig } from 'vitest/config';
import { SkippedReporter } from './support/skipped.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', ...(process.platform === 'win32' ? ['test/wine/*.windows.ts'] : [])],
    maxWorkers: 2, // by default one for two cores, though many tests wait for others
    reporters: ['default', new SkippedReporter()],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], tsconfig: 'test/tsconfig.json' },
    coverage: {
      provider: 'custom',
      customProviderModule: 'test/support/coverage.mjs',
      include: ['src/**'],
      reporter: ['text'],
      reportOnFailure: true,
      thresholds: { lines: 99.5 }, // the rest is for other platforms, and for moments that a server chooses
    },
  },
});
