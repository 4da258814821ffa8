/** Paths in a volume, and finding the volume. */
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { findVolumeRoot } from '../../src/index.js';
import { placesOf, runsFolder, ulidLastPath, varFolder } from '../../src/volume/places.js';
import { runIds } from '../support/arbitraries.js';
import { testNotOnWindows } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const RUN_ID = 'feature-01kp8g6dg0zg6axb6gqz17wf7m';

describe('the paths of a run', () => {
  testNotOnWindows('the paths are written with slashes', 'are absolute and lie in the volume', () => {
    expect(placesOf('/volume', RUN_ID)).toEqual({
      root: '/volume',
      folder: `/volume/.omne/var/runs/${RUN_ID}`,
      log: `/volume/.omne/var/runs/${RUN_ID}/events.jsonl`,
    });
    expect(ulidLastPath('/volume/')).toBe('/volume/.omne/var/.ulid-last');
    expect(placesOf('.', RUN_ID).root).toBe(process.cwd());
    expect(varFolder('a/../b')).toBe(resolve('b/.omne/var'));
  });

  test.each(['', '..', '../../etc', `../../${RUN_ID}`, `${RUN_ID}/..`, `${RUN_ID}\0`, RUN_ID.toUpperCase()])(
    'are not built from %j',
    runId => {
      expect(() => placesOf('/volume', runId)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_RUN_ID' }),
      );
    },
  );

  test('lie directly below the folder of runs, for every run id', () => {
    fc.assert(
      fc.property(runIds, runId => {
        const { folder, log } = placesOf('/volume', runId);
        expect(relative(runsFolder('/volume'), folder)).toBe(runId);
        expect(relative(folder, log)).toBe('events.jsonl');
      }),
    );
  });

  test('need a root: none is a TypeError', () => {
    for (const root of ['', undefined, null, 7]) {
      expect(() => Reflect.apply(placesOf, undefined, [root, RUN_ID])).toThrow(TypeError);
    }
  });
});

describe('findVolumeRoot', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** A volume inside a volume, and folders below them. */
  function nested(): { outer: string; inner: string; deep: string } {
    const outer = temporaryVolume();
    const inner = join(outer, 'a', 'b');
    const deep = join(inner, 'c', 'd');
    mkdirSync(deep, { recursive: true });
    mkdirSync(join(outer, '.omne'));
    mkdirSync(join(inner, '.omne'));
    return { outer, inner, deep };
  }

  test('walks up, and the nearest volume wins', async () => {
    const { outer, inner, deep } = nested();
    expect(await findVolumeRoot(deep)).toBe(inner);
    expect(await findVolumeRoot(inner)).toBe(inner);
    expect(await findVolumeRoot(join(outer, 'a'))).toBe(outer);
    expect(await findVolumeRoot(outer)).toBe(outer);
  });

  test('starts at the current folder when no other is given', async () => {
    const { inner, deep } = nested();
    vi.spyOn(process, 'cwd').mockReturnValue(deep);
    expect(await findVolumeRoot()).toBe(inner);
  });

  test('takes a relative path, a trailing slash, and a folder that is not there yet', async () => {
    const { outer, inner, deep } = nested();
    expect(await findVolumeRoot(relative(process.cwd(), deep))).toBe(inner);
    expect(await findVolumeRoot(`${outer}/a/`)).toBe(outer);
    expect(await findVolumeRoot(join(deep, 'not', 'there'))).toBe(inner);
  });

  test('gives undefined where there is none', async () => {
    const empty = temporaryVolume();
    expect(await findVolumeRoot(empty)).toBeUndefined();
    expect(await findVolumeRoot('/')).toBeUndefined();
  });

  test('passes over a .omne that is a file or a link to nowhere', async () => {
    const { outer, inner, deep } = nested();
    writeFileSync(join(deep, '.omne'), '');
    expect(await findVolumeRoot(deep)).toBe(inner);
    symlinkSync(join(outer, 'nowhere'), join(deep, '..', '.omne'));
    expect(await findVolumeRoot(deep)).toBe(inner);
  });

  testNotOnWindows(
    'Wine makes no links',
    'finds a volume that is reached through a link above it, by the path that was given',
    async () => {
      const { inner } = nested();
      const link = join(temporaryVolume(), 'link');
      symlinkSync(inner, link);
      expect(await findVolumeRoot(join(link, 'c'))).toBe(link);
      expect(realpathSync(link)).toBe(realpathSync(inner));
    },
  );
});
