/**
 * Runs one command line of the built `omne-log` after the other in one process, each as if the process were its own: the same
 * words, environment and folder, what it prints kept apart, its exit code. That takes a few milliseconds each, a process of
 * its own a hundred.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url)); // what the command's first file loads
const require = createRequire(MAIN);
/** As Node runs a CommonJS module, but compiled once. */
const main = new Script(
  `(function (exports, require, module, __filename, __dirname) {${readFileSync(MAIN)}\n})`,
  {
    filename: MAIN,
  },
);
let printed;

// Stdout is /dev/null here: no pipe whose reader a command would look after.
for (const name of ['stdout', 'stderr']) {
  process[name].write = (chunk, encoding, done) => {
    printed[name].push(Buffer.from(chunk, typeof encoding === 'string' ? encoding : undefined));
    process.nextTick((typeof encoding === 'function' ? encoding : done) ?? (() => undefined));
    return true;
  };
}

process.on('message', async ({ command, args, env, cwd }) => {
  printed = { stdout: [], stderr: [] };
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.argv = [process.argv[0], command, ...args];
  process.exitCode = undefined;
  const module = { exports: {} };
  main.runInThisContext()(module.exports, require, module, MAIN, dirname(MAIN));
  await module.exports.ended;
  for (const signal of ['SIGINT', 'SIGTERM']) process.removeAllListeners(signal);
  process.stdout.removeAllListeners('error');
  const [stdout, stderr] = [printed.stdout, printed.stderr].map(chunks => Buffer.concat(chunks).toString());
  process.send({ code: process.exitCode, stdout, stderr });
});
process.send('ready');
