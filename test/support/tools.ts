/**
 * Tests that need more of the machine than Node: a tool, or the right to use it.
 *
 * Where it is missing (a laptop without strace, a user who may not mount) the test is skipped, its name says why, and the end of
 * the run says what to install. In CI (`CI=true`) a missing tool is a failure: a proof that does not run proves nothing.
 */
import { test } from 'vitest';
import { isMissing, type Tool } from './trials.js';

/** What a test does, and how long it may take, in milliseconds. */
export type TestBody = () => void | Promise<void>;

/** A test that says nothing on Windows, for the reason given; there it is skipped, and its name says why. */
export function testNotOnWindows(reason: string, name: string, body: TestBody, timeoutMs?: number): void {
  if (process.platform === 'win32') test.skip(`${name} (skipped on Windows: ${reason})`);
  else test(name, body, timeoutMs);
}

/** A test that runs where all these tools are; elsewhere it is skipped, or fails in CI. */
export function testWith(tools: readonly Tool[], name: string, body: TestBody, timeoutMs?: number): void {
  const lacking = tools.filter(isMissing).join(' and ');
  if (lacking === '') {
    test(name, body, timeoutMs);
  } else if (process.env['CI'] === 'true') {
    test(name, () => {
      throw new Error(`this machine has no usable ${lacking}; in CI it must`);
    });
  } else {
    test.skip(`${name} (skipped: no usable ${lacking} here)`);
  }
}
