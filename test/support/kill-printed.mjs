/**
 * Loaded before a program that prints a line for each event once its append is on disk: kills it as soon as it prints so many, as
 * `KILL_AFTER` says, before it takes the next step.
 */
const EVENT_LINE = /^\d\d:\d\d:\d\d\.\d{3}Z {2}/;

const { write } = process.stdout;
let left = Number(process.env.KILL_AFTER);
process.stdout.write = function (chunk, ...rest) {
  if (EVENT_LINE.test(String(chunk)) && --left === 0) process.kill(process.pid, 'SIGKILL');
  return write.call(this, chunk, ...rest);
};
