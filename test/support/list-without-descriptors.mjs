/** Lists runs with so many descriptors left, for each number up to that for which it goes well; prints what each listing said. */
import { closeSync, openSync } from 'node:fs';
import { EventLog } from '../../dist/index.js';

const MOST = 40;
const [root] = process.argv.slice(2);
const list = async () => {
  const said = [];
  for await (const { problem } of EventLog.runs(root)) said.push(problem ?? 'sound');
  return said;
};
await list(); // all that is loaded late is loaded
const outcomes = [];
for (let left = 1; left <= MOST; left++) {
  const held = [];
  try {
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch {
    for (const fd of held.splice(0, left)) closeSync(fd);
  }
  const said = await list().catch(error => `${error.code} ${error.cause?.code}`);
  for (const fd of held) closeSync(fd);
  outcomes.push(said);
  if (Array.isArray(said)) break;
}
console.log(JSON.stringify(outcomes));
