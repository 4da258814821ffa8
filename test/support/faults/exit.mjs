/**
 * Ends in the middle of appends, in one of several ways: `exit <root> <run id> <way>`.
 *
 * Prints the name of each event as it is acknowledged, at once, so that its word is when it is gone.
 */
import { writeSync } from 'node:fs';
import { EventLog } from '../../../dist/index.js';

const [, , root, runId, way] = process.argv;
const log = await EventLog.open(root, runId);
const gate = name => ({ type: 'gate.passed', node_id: 'n', gate: name, method: 'hook' });
const append = name => log.append(gate(name)).then(() => writeSync(1, `${name}\n`));

const ways = {
  /** In the middle of many commits, with appends under way and waiting. */
  'process.exit': async () => {
    for (let i = 0; ; i++) {
      for (let j = 0; j < 5; j++) void append(`${i} ${j}`);
      await append(`${i} last`);
      if (i === 20) {
        void append('under way');
        setImmediate(() => process.exit(0));
      }
    }
  },
  /** A forgotten catch: an append that is refused ends the process. */
  'unhandled rejection': async () => {
    for (let i = 0; ; i++) {
      void append(`${i}`);
      if (i === 20) void log.append({ type: 'no event' });
      if (i % 3 === 0) await log.flush();
    }
  },
  /** Nobody catches it: the process ends with appends under way. */
  'uncaught error': async () => {
    for (let i = 0; ; i++) {
      void append(`${i}`);
      await append(`${i} awaited`);
      if (i === 20) {
        setImmediate(() => {
          void append('under way');
          throw new Error('mine');
        });
      }
    }
  },
  /** An error passes a block that closes the log, which waits for every append, whatever became of the last one. */
  'an error past close': async () => {
    try {
      for (let i = 0; i < 20; i++) void append(`${i}`);
      log.append({ type: 'no event' }).catch(() => undefined);
      throw new Error('mine');
    } finally {
      await log.close();
    }
  },
  /** Nothing is awaited and nothing closed: the process lives until the work is done. */
  'the end of the program': async () => {
    for (let i = 0; i < 2000; i++) void append(`${i}`);
  },
};
await ways[way]();
