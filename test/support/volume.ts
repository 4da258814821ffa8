/** A temporary volume for a test; removed when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** The path of a new, empty folder. */
export function temporaryVolume(): string {
  const root = mkdtempSync(join(tmpdir(), 'omne-test-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}
