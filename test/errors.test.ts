/** What every error carries, and how its message is put together. */
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { errnoOf, isNoSpace, systemError, unsafePath } from '../src/errors.js';
import { EventLogError, MalformedLineError } from '../src/index.js';

function errno(code: string): Error {
  return Object.assign(new Error(`${code}: no luck, write`), { code, errno: -28, syscall: 'write' });
}

describe('an EventLogError', () => {
  test('is an Error with a code, a name and the facts as properties', () => {
    const cause = new Error('why');
    const error = new EventLogError('ERR_LOG_CORRUPT', 'what', {
      path: '/p',
      line: 3,
      offset: 40,
      field: 'f',
      cause,
    });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('EventLogError');
    expect(error).toMatchObject({ code: 'ERR_LOG_CORRUPT', path: '/p', line: 3, offset: 40, field: 'f' });
    expect(error.cause).toBe(cause);
    expect(error.stack).toContain('EventLogError: what');
  });

  test('names path, line and byte offset in its message, each where there is one', () => {
    const message = (facts?: ConstructorParameters<typeof EventLogError>[2]) =>
      new EventLogError('ERR_LOG_CORRUPT', 'what', facts).message;
    expect(message()).toBe('what');
    expect(message({})).toBe('what');
    expect(message({ path: '/p' })).toBe('what (/p)');
    expect(message({ path: '/p', line: 1, offset: 0 })).toBe('what (/p, line 1, byte offset 0)');
    expect(message({ path: '/p', offset: 7 })).toBe('what (/p, byte offset 7)');
    expect(message({ offset: 7, path: undefined, line: undefined })).toBe('what (byte offset 7)');
  });

  test('has a cause only when it was given one', () => {
    expect(Object.hasOwn(new EventLogError('ERR_LOG_CLOSED', 'what', { path: '/p' }), 'cause')).toBe(false);
  });
});

test('a MalformedLineError keeps its reason apart from the whereabouts', () => {
  const error = new MalformedLineError('no JSON', { path: '/p', line: 2, offset: 9 });
  expect(error).toBeInstanceOf(EventLogError);
  expect(error).toMatchObject({ name: 'MalformedLineError', code: 'ERR_MALFORMED_LINE', reason: 'no JSON' });
  expect(error.message).toBe('malformed line: no JSON (/p, line 2, byte offset 9)');
});

test('an unsafe path is named', () => {
  expect(unsafePath('/p', 'is a symbolic link')).toMatchObject({
    code: 'ERR_UNSAFE_PATH',
    path: '/p',
    message: 'is a symbolic link (/p)',
  });
});

describe('a system error', () => {
  test.each(['ENOSPC', 'EDQUOT', 'EFBIG'])('%s becomes ERR_NO_SPACE', code => {
    const cause = errno(code);
    expect(isNoSpace(cause)).toBe(true);
    expect(systemError('the file could not be made', '/p', cause)).toMatchObject({
      code: 'ERR_NO_SPACE',
      path: '/p',
      cause,
    });
  });

  test('becomes ERR_SYSTEM otherwise, with its own words, its path and the cause', () => {
    const cause = errno('EACCES');
    const error = systemError('the file could not be made', '/p', cause);
    expect(error).toMatchObject({ code: 'ERR_SYSTEM', path: '/p', cause });
    expect(error.message).toBe('the file could not be made: EACCES: no luck, write (/p)');
    expect(isNoSpace(cause)).toBe(false);
  });

  test('an error of the library passes through as it is', () => {
    const error = new EventLogError('ERR_LOCK_TIMEOUT', 'what');
    expect(systemError('the file could not be made', '/p', error)).toBe(error);
  });

  test('a thrown value that is no Error is kept as the cause', () => {
    expect(systemError('what', '/p', 'text')).toMatchObject({ code: 'ERR_SYSTEM', cause: 'text' });
  });

  test('is known by its errno name, also where it comes from another realm', () => {
    expect(errnoOf(errno('ENOENT'))).toBe('ENOENT');
    expect(errnoOf(new Error('x'))).toBeUndefined();
    expect(errnoOf(runInNewContext("Object.assign(new Error('x'), { code: 'ENOENT' })"))).toBe('ENOENT');
    expect(errnoOf(Object.assign(new Error('x'), { code: 7 }))).toBeUndefined();
    expect(errnoOf(undefined)).toBeUndefined();
  });
});
