/** A temporary volume in memory, where there is one: for tests of bytes, in which thousands of syncs mean nothing. */
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** The path of a new, empty folder; removed when the test ends, or with `afterAll` once all of the file have. */
export function quickVolume(whenOver: (remove: () => void) => void = onTestFinished): string {
  const root = mkdtempSync(join(folder(), 'omne-test-'));
  whenOver(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

function folder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}
