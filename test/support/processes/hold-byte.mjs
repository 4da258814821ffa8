/** Takes the byte of the owner of a log until it is killed: `hold-byte <log>`. */
import { openSync } from 'node:fs';
import { OWNER_BYTE, takeByte } from '../../../dist/volume/byte-locks.js';

const [, , path] = process.argv;
console.log(takeByte(openSync(path, 'r+'), OWNER_BYTE));
process.stdin.resume();
