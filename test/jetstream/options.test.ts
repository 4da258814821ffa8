/** Mistakes in the arguments of mirrors and remote readers: reported at once, before anything is asked of a server. */
import { describe, expect, test } from 'vitest';
import { mirrorRun, mirrorVolume, readRemote, remoteRuns, tailRemote } from '../../src/jetstream.js';
import { RUN_ID, rejection } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

const NOT_THE_CONNECTION = ['null', '5', '"nats://127.0.0.1:4222"', '{}', '[]', '{"request": 1}'];

describe.for(NOT_THE_CONNECTION)('%s in the place of a connection', text => {
  const connection = JSON.parse(text);
  const told = /the connection must be one of @nats-io/;

  test('is refused by the mirrors', async () => {
    for (const mirror of [
      () => mirrorRun(temporaryVolume(), RUN_ID, { connection }),
      () => mirrorVolume(temporaryVolume(), { connection, once: true }),
    ]) {
      const error = await rejection(mirror());
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toMatch(told);
    }
  });

  test('is refused by the readers when they are made', () => {
    for (const open of [
      () => readRemote(connection, RUN_ID),
      () => tailRemote(connection, RUN_ID),
      () => remoteRuns(connection),
    ]) {
      expect(open).toThrow(TypeError);
      expect(open).toThrow(told);
    }
  });
});

test.for(['onError', 'onRun'])('a mirror of a volume takes nothing but a function as %s', async name => {
  const connection = JSON.parse('{"isClosed": 1, "request": 1}'); // looked at no closer than this
  for (const wrong of [5, null, 'log', {}]) {
    const error = await rejection(mirrorVolume(temporaryVolume(), { connection, [name]: wrong }));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(`option ${name} must be a function`);
  }
});
