/** What to do after an error, as the command says it. */
import { expect, test } from 'vitest';
import { nextStep } from '../../src/cli/next-step.js';
import { EventLogError, type EventLogErrorCode } from '../../src/errors.js';
import { logPath, RUN_ID } from '../support/logs.js';

const after = (code: EventLogErrorCode, path: string) => nextStep(new EventLogError(code, 'no', { path }));
const local = logPath('/volume');

test.each<[EventLogErrorCode, string]>([
  ['ERR_RUN_NOT_FOUND', 'run `omne-log ls --root /volume` to see the runs there are'],
  [
    'ERR_LOG_TRUNCATED',
    `run \`omne-log verify ${RUN_ID} --root /volume\` to see all that is wrong with the log`,
  ],
  ['ERR_LOCK_TIMEOUT', 'another process is writing to the run; try again when it is done'],
  ['ERR_LOG_REPLACED', 'run the command again to read what is there now'],
  ['ERR_NO_SPACE', 'make room on the disk, then run the command again'],
])('after %s of a log here', async (code, step) => {
  expect(await after(code, local)).toBe(step);
});

test.each<[EventLogErrorCode, string]>([
  ['ERR_RUN_NOT_FOUND', 'run `omne-log ls --nats URL` to see the runs there are'],
  ['ERR_LINE_TOO_LONG', 'give a higher limit with --max-line-bytes'],
])('after %s of a copy, without the address, which may hold a secret', async (code, step) => {
  expect(await after(code, 'nats://OMNE_EVENTS/run')).toBe(step);
});

test('after an error that has no such step, or is none of the library, nothing', async () => {
  expect(await after('ERR_SYSTEM', local)).toBeUndefined();
  expect(await after('ERR_LOG_TRUNCATED', 'nats://OMNE_EVENTS/run')).toBeUndefined();
  expect(await nextStep(new Error('no'))).toBeUndefined();
});
