/**
 * Allocates run ids in a process of its own and prints them, one a line.
 *
 *     node allocate-child.mjs <root> <pipe> <count> [milliseconds to put the clock back]
 */
import { EventLog } from '../../dist/index.js';

const [root, pipe, count, back = '0'] = process.argv.slice(2);
const now = Date.now;
Date.now = () => now() - Number(back);
for (let i = 0; i < Number(count); i++) console.log(await EventLog.allocate(root, pipe));
