// @ts-check
/** Loaded first in the control: the same program with every sync left out, so that it acknowledges what only the memory holds. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { O_DSYNC } = fs.constants;
const done = (/** @type {number} */ _fd, /** @type {(error: null) => void} */ callback) =>
  process.nextTick(callback, null);
const { open, openSync } = fs;

/** @param {unknown[]} args */
const withoutSync = ([path, flags, ...rest]) => [
  path,
  typeof flags === 'number' ? flags & ~O_DSYNC : flags,
  ...rest,
];

Object.assign(fs, {
  fsync: done,
  fdatasync: done,
  fsyncSync: () => undefined,
  fdatasyncSync: () => undefined,
  open: (/** @type {unknown[]} */ ...args) => Reflect.apply(open, fs, withoutSync(args)),
  openSync: (/** @type {unknown[]} */ ...args) => Reflect.apply(openSync, fs, withoutSync(args)),
});
syncBuiltinESMExports();
