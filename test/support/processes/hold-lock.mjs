/** Holds the lock of a log, as a writer does during a commit, until its input is closed: `hold-lock <log>`. */
import { closeSync, openSync } from 'node:fs';
import { tryLock } from '../../../dist/volume/flock.js';

const [, , path] = process.argv;
const fd = openSync(path, 'a+');
console.log(tryLock(fd, path) ? 'held' : 'refused');
process.stdin.resume().on('end', () => closeSync(fd));
