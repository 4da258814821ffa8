/** Temporary volumes for a test; removed when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** The path of a new, empty folder; by default in memory, see `memory-disk.ts`. */
export function temporaryVolume(): string {
  return volumeIn(tmpdir());
}

/** The same on the disk: its syncs take time, it has room, and it gives the number of a removed file to the next one. */
export function diskVolume(): string {
  return volumeIn(process.env['OMNE_DISK'] ?? tmpdir());
}

function volumeIn(folder: string): string {
  const root = mkdtempSync(join(folder, 'omne-test-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}
