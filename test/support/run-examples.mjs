/**
 * Runs the example in each of the folders given, all in this process: the next one when nothing of the one before it goes on.
 * Before each its folder is printed, on stdout and on stderr.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const folders = process.argv.splice(2); // an example that looks at its arguments finds none
let settled = true;

process.on('beforeExit', () => {
  if (!settled) throw new Error('the example waits for what never comes');
  if (process.exitCode) throw new Error(`the example ended with ${process.exitCode}`);
  const folder = folders.shift();
  if (folder === undefined) return;
  for (const print of [console.log, console.error]) print(`in ${folder}`);
  process.chdir(folder);
  settled = false;
  import(pathToFileURL(join(folder, 'example.mjs')).href).then(() => {
    settled = true;
    setImmediate(() => undefined); // so that this is called again, also where the example had nothing to wait for
  });
});
