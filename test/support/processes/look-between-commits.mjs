/** Looks at a log between commits, without a pause, as many mirrors would, until it is killed: `look-between-commits <path>`. */
import { openSync } from 'node:fs';
import { lookBetweenCommits } from '../../../dist/volume/flock.js';

const [, , path = ''] = process.argv;
const fd = openSync(path, 'r');
process.stdout.write('ready\n');
for (;;) lookBetweenCommits(fd, path, () => undefined);
