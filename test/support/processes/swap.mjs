/**
 * Swaps a file or folder for what lies aside, and back, in a tight loop until its input is closed: `swap <path> <aside>`.
 * Prints how often.
 */
import { renameSync } from 'node:fs';
import koffi from 'koffi';

const [, , path, aside] = process.argv;
const [AT_FDCWD, RENAME_EXCHANGE] = [-100, 2];

/** Exchanges the two in one step where the system can (Linux), so that there is always something at the path. */
function exchange() {
  const declaration =
    'int renameat2(int oldFolder, str oldPath, int newFolder, str newPath, unsigned int flags)';
  const renameat2 = koffi.load(null).func(declaration);
  return () => {
    if (renameat2(AT_FDCWD, path, AT_FDCWD, aside, RENAME_EXCHANGE) !== 0)
      throw new Error('renameat2 failed');
  };
}

function renameTwice() {
  const spare = `${aside}-spare`;
  return () => {
    renameSync(path, spare);
    renameSync(aside, path);
    renameSync(spare, aside);
  };
}

const swap = process.platform === 'linux' ? exchange() : renameTwice();
let swaps = 0;
let going = true;
process.stdin.resume().on('end', () => {
  going = false;
});
while (going) {
  for (let i = 0; i < 100; i++) swap();
  if (swaps === 0) console.log('swapping');
  swaps += 100;
  await new Promise(setImmediate);
}
console.log(swaps);
