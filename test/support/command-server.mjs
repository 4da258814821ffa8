/**
 * Runs one command line of the built `omne-log` after the other in one process, each as if the process were its own: the same
 * words, environment and folder, what it prints kept apart, its exit code. That takes a few milliseconds each, a process of
 * its own a hundred.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const MAIN = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url)); // what the command's first file loads
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
  delete require.cache[MAIN]; // so that it is evaluated again
  await require(MAIN).ended;
  for (const signal of ['SIGINT', 'SIGTERM']) process.removeAllListeners(signal);
  process.stdout.removeAllListeners('error');
  const [stdout, stderr] = [printed.stdout, printed.stderr].map(chunks => Buffer.concat(chunks).toString());
  process.send({ code: process.exitCode, stdout, stderr });
});
