// @ts-check
/**
 * `npm run power -- [options]`: cuts the power of a virtual machine in which several processes append, again and again,
 * and holds what is on its disk against what was acknowledged. README.md in this folder says what each method sees.
 */
import { parseArgs } from 'node:util';
import { CopyServer } from './copy-server.mjs';
import { buildSystem, FILE_SYSTEMS } from './images.mjs';
import { cutByKill } from './kill-cuts.mjs';
import { passes } from './result.mjs';
import { asText } from './table.mjs';
import { temporaryFolder } from './temporary-folder.mjs';
import { requireTools } from './tools.mjs';
import { cutInWriteLog } from './write-log-cuts.mjs';

const HELP = `Usage: npm run power -- [options]

Cuts the power of a virtual machine while processes append, and checks that nothing acknowledged is lost.

  --fs NAME      the file system of the data drive: ext4, xfs or btrfs; default ext4
  --cuts N       how many cuts by each method, from 1 up; default 5
  --method NAME  default both
                 kill       SIGKILL to the machine: what the guest had not yet written to its drive is lost
                 write-log  what the drive had not yet flushed is lost too, from a log of all writes
                 both       one after the other
  --control      the control: the guest acknowledges without a sync, and events must be seen to be lost
  --dir DIR      where the images are, about 1 GB while it runs; default the system's temporary folder
  --json         one JSON document instead of the table (npm run --silent power -- --json)
  --help         this text

Exit status: 0 when nothing was lost or wrong (with --control: when each method saw a loss), 1 otherwise, 2 for a wrong
option or a missing tool.`;

const METHODS = new Map([
  ['kill', cutByKill],
  ['write-log', cutInWriteLog],
]);

const options = optionsOf();
requireTools(options.fs);
const folder = temporaryFolder(options.dir);
const started = performance.now();
const system = buildSystem(folder, options.fs);
const copies = await CopyServer.start(folder);
/** @type {import('./result.mjs').Result[]} */
const results = [];
for (const [name, cut] of METHODS) {
  if (options.method !== 'both' && options.method !== name) continue;
  await copies.forget();
  results.push(await cut({ ...options, system, folder, copies, progress }));
}
await copies.stop();
const report = { control: options.control, seconds: (performance.now() - started) / 1000, results };
progress('');
console.log(options.json ? JSON.stringify(report, null, 2) : asText(report));
process.exitCode = passes(report) ? 0 : 1;

function optionsOf() {
  try {
    const { values } = parseArgs({
      options: {
        fs: { type: 'string', default: 'ext4' },
        cuts: { type: 'string', default: '5' },
        method: { type: 'string', default: 'both' },
        control: { type: 'boolean', default: false },
        dir: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const cuts = Number(values.cuts);
    if (!FILE_SYSTEMS.includes(values.fs))
      throw new TypeError(`--fs must be one of ${FILE_SYSTEMS.join(', ')}`);
    if (!Number.isSafeInteger(cuts) || cuts < 1) throw new TypeError('--cuts must be an integer from 1 up');
    if (values.method !== 'both' && !METHODS.has(values.method))
      throw new TypeError('--method must be kill, write-log or both');
    return { ...values, cuts };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    process.exit(2);
  }
}

/** How far it is, and how long that took: in a terminal on one line. @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== '') console.error(`${((performance.now() - started) / 1000).toFixed(0)} s: ${text}`);
}
