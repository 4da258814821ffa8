import { defineConfig } from 'vitest/config';
import { filesThatShare, LongFirst } from './support/order.js';
import { fullStrength } from './support/rounds.js';
import { SkippedReporter } from './support/skipped.js';

const include = ['test/**/*.test.ts', ...(process.platform === 'win32' ? ['test/wine/*.windows.ts'] : [])];
const shared = filesThatShare();

export default defineConfig({
  test: {
    maxWorkers: fullStrength ? 2 : 4, // by default one for two cores, though many tests wait for others; few, where all counts
    globalSetup: ['test/support/bundle-programs.ts', 'test/support/memory-disk.ts'],
    sequence: { sequencer: LongFirst },
    reporters: ['default', new SkippedReporter()],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'own',
          include,
          exclude: shared,
          typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], tsconfig: 'test/tsconfig.json' },
        },
      },
      { extends: true, test: { name: 'shared', include: shared, isolate: false } },
    ],
    coverage: {
      provider: 'custom',
      customProviderModule: 'test/support/coverage.mjs',
      include: ['src/**/*.ts'],
      exclude: ['src/web/page/**'], // runs in a browser, where its tests drive it; V8's counts of Node see none of it
      reporter: ['text'],
      reportOnFailure: true,
      thresholds: { lines: 99.5 }, // the rest is for other platforms, and for moments that a server chooses
    },
  },
});
