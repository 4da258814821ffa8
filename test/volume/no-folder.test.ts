/** A file where the volume, or a folder above it, should be: one code, and the name of the culprit, for every call. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EventLog, iterations, repairRun, verifyRun } from '../../src/index.js';
import { collect, RUN_ID, rejection } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

const CALLS: [string, (root: string) => Promise<unknown>][] = [
  ['allocate', root => EventLog.allocate(root, 'feature')],
  ['create', root => EventLog.create(root, 'feature')],
  ['open', root => EventLog.open(root, RUN_ID)],
  ['open with create', root => EventLog.open(root, RUN_ID, { create: true })],
  ['read', root => EventLog.read(root, RUN_ID).toArray()],
  ['tail', root => EventLog.tail(root, RUN_ID).toArray()],
  ['runs', root => collect(EventLog.runs(root))],
  ['iterations', root => collect(iterations(root, RUN_ID, 'n'))],
  ['verifyRun', root => verifyRun(root, RUN_ID)],
  ['repairRun', root => repairRun(root, RUN_ID)],
];

/** Where the file is, below the folder that the root is in. */
const PLACES = [
  ['the root', 'root'],
  ['a folder above the root', '.'],
  ['.omne', 'root/.omne'],
  ['.omne/var', 'root/.omne/var'],
] as const;

describe.each(PLACES)('a regular file in the place of %s', (_, place) => {
  test.each(CALLS)('is ERR_UNSAFE_PATH that names it, from %s', async (_name, call) => {
    const above = join(temporaryVolume(), 'above');
    const file = join(above, place);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, 'kept');
    expect(await rejection(call(join(above, 'root')))).toMatchObject({
      name: 'EventLogError',
      code: 'ERR_UNSAFE_PATH',
      path: file,
      message: `is not a folder (${file})`,
    });
    expect(readdirSync(join(file, '..'))).toHaveLength(1); // and nothing was made beside it
  });
});
