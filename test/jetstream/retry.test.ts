/** What passes by itself and what does not, told by errors such as the server and the client make. */
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { EventLogError } from '../../src/index.js';
import {
  hasNoResponders,
  insist,
  orAborted,
  passes,
  remoteFailed,
  STREAM_NOT_FOUND,
} from '../../src/jetstream/retry.js';
import { rejection } from '../support/logs.js';

const answer = (status: number, code: number, description: string) =>
  new JetStreamApiError({ code: status, err_code: code, description });
const denied = new errors.PermissionViolationError('no', 'publish', 'subject');
const nobody = new errors.RequestError('', { cause: new errors.NoRespondersError('subject') });

test.for<[string, boolean, unknown]>([
  ['no leader', true, answer(503, 10008, 'JetStream system temporarily unavailable')],
  ['a store that is closed because the server goes down', true, answer(503, 10077, 'store is closed')],
  ['no answer', true, new errors.TimeoutError()],
  ['a lost connection', true, new errors.RequestError('', { cause: new errors.ClosedConnectionError() })],
  ['nobody who takes the request', true, new Error('no', { cause: nobody })],
  ['a server without room', false, answer(503, 10023, 'insufficient resources')],
  ['a store without room', false, answer(503, 10077, 'maximum bytes exceeded')],
  ['a wrong request', false, answer(400, 10025, 'bad request')],
  ['a missing right', false, new errors.RequestError('', { cause: denied })],
  ['any other error', false, new Error('no')],
  ['what is no error', false, 'no'],
])('%s passes: %s', ([, expected, error]) => {
  expect(passes(error)).toBe(expected);
});

test('nobody taking a request is known from every other failure', () => {
  expect(hasNoResponders(new Error('no', { cause: nobody }))).toBe(true);
  for (const other of [new Error('no', { cause: denied }), denied, 'no', undefined])
    expect(hasNoResponders(other)).toBe(false);
});

test('a failure keeps its code and cause, and one that is ours already stays as it is', () => {
  const ours = new EventLogError('ERR_MESSAGE_TOO_LARGE', 'large');
  expect(remoteFailed('this failed', ours)).toBe(ours);
  const gone = answer(404, STREAM_NOT_FOUND, 'stream not found');
  expect(remoteFailed('this failed', gone)).toMatchObject({ code: 'ERR_STREAM_NOT_FOUND', cause: gone });
  const other = remoteFailed('this failed', denied);
  expect(other).toMatchObject({ code: 'ERR_REMOTE_FAILED', cause: denied });
  expect(other.message).toContain('this failed: no');
});

test('what passes is retried, and what does not is reported at once', async () => {
  let tries = 0;
  const attempt = async () => {
    if (++tries < 3) throw new errors.TimeoutError();
    return tries;
  };
  expect(await insist('this failed', attempt, undefined)).toBe(3);
  const failing = insist('this failed', () => Promise.reject(new Error('no')), undefined);
  expect(await rejection(failing)).toMatchObject({ code: 'ERR_REMOTE_FAILED' });
});

test('a wait ends with the reason of the signal, be it aborted before or meanwhile', async () => {
  const reason = new Error('enough');
  const never = new Promise<void>(() => undefined);
  expect(await rejection(orAborted(never, AbortSignal.abort(reason)))).toBe(reason);
  const ending = new AbortController();
  const waiting = rejection(orAborted(never, ending.signal));
  ending.abort(reason);
  expect(await waiting).toBe(reason);
  const tried = insist('this failed', () => Promise.reject(new errors.TimeoutError()), ending.signal);
  expect(await rejection(tried)).toBe(reason);
  expect(await orAborted(Promise.resolve(1), new AbortController().signal)).toBe(1);
});
