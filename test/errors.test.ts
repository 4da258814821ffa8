/** What every error carries, and how its message is put together. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { errnoOf, isNoSpace, systemError, unsafePath } from '../src/errors.js';
import { EventLogError, MalformedLineError } from '../src/index.js';
import { rejection } from './support/logs.js';
import { temporaryVolume } from './support/volume.js';

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

/** How often a text names a path, and not another that begins with it. */
function timesNamed(text: string, path: string): number {
  return text.split(path).filter((rest, index) => index > 0 && !/^[\w./-]/.test(rest)).length;
}

describe('a path that the system named is in the message once', () => {
  const failures: readonly [form: RegExp, name: string, work: (at: (name: string) => string) => unknown][] = [
    [
      /: ENOENT: no such file or directory, open \(\S+absent\)$/,
      'absent',
      at => fs.openSync(at('absent'), 'r'),
    ],
    [/, scandir \(\S+absent\)$/, 'absent', at => fs.readdirSync(at('absent'))],
    [/, mkdtemp '\S+absent\/XXXXXX' \(\S+absent\)$/, 'absent', at => fs.mkdtempSync(at('absent/'))],
    [/, rename '\S+absent' -> '\S+other'$/, 'absent', at => fs.renameSync(at('absent'), at('other'))],
    [/, rename '\S+absent' -> '\S+other'$/, 'other', at => fs.renameSync(at('absent'), at('other'))],
    [/, link '\S+absent' -> '\S+other'$/, 'absent', at => fs.linkSync(at('absent'), at('other'))],
    [/, copyfile '\S+absent' -> '\S+other'$/, 'other', at => fs.copyFileSync(at('absent'), at('other'))],
    [/, symlink 'there' -> '\S+file'$/, 'file', at => fs.symlinkSync('there', at('file'))],
    [/ \(is a directory\) \S+folder$/, 'folder', at => fs.rmSync(at('folder'))],
    [/: address already in use \S+file$/, 'file', at => once(createServer().listen(at('file')), 'listening')],
    [/: spawn \S+absent ENOENT$/, 'absent', at => once(spawn(at('absent')), 'exit')],
    [/, open \(\S+folder\)$/, 'folder', at => fs.openSync(at('folder'), 'w')],
  ];

  test.each(failures)('%s', async (form, name, work) => {
    const volume = temporaryVolume();
    writeFileSync(join(volume, 'file'), '');
    mkdirSync(join(volume, 'folder'));
    const cause: unknown = await rejection((async () => work(each => `${volume}/${each}`))());
    const path = join(volume, name);
    const { message } = systemError('it could not be done', path, cause);
    expect(message).toMatch(form);
    expect([message, timesNamed(message, path)]).toEqual([message, 1]);
  });

  test('but is not taken for another that begins or ends with it', () => {
    const cause = new Error("ENOENT: no such file or directory, rename '/a/b' -> '/c/a'");
    expect(systemError('it could not be done', '/a', cause).message).toMatch(/ '\/c\/a' \(\/a\)$/);
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
