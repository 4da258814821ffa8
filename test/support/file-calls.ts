/** Counts the calls by which this process looks at files; for tests in a process of their own. */
import fs from 'node:fs';
import { onTestFinished, vi } from 'vitest';

/** All by which a file or a folder is opened, looked at or read. */
const CALLS = [
  'openSync',
  'open',
  'fstatSync',
  'fstat',
  'lstatSync',
  'statSync',
  'readSync',
  'read',
  'readdir',
] as const;

/** Counts these calls from now on, which go through all the same. */
export function countFileCalls(): () => number {
  const spies = CALLS.map(name => vi.spyOn(fs, name));
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
}
