// @ts-check
/** A tail of a finished run, which is nothing but catching up, beside a plain replay of the same 200,000 events. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EventLog } from '../../dist/index.js';
import { generateLog, RUN_ID } from '../../fixtures/generate.mjs';
import { timed } from './harness.mjs';

const EVENTS = 200_000;
const LOG = Buffer.concat([...generateLog(EVENTS)]);

/**
 * @param {(root: string) => AsyncIterable<unknown>} start
 * @returns {import('./harness.mjs').Row['measure']}
 */
function reading(start) {
  return async ({ folder, durationMs }) => {
    const path = join(folder, '.omne/var/runs', RUN_ID, 'events.jsonl');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, LOG);
    return timed(durationMs, async due => {
      let events = 0;
      do for await (const _ of start(folder)) events++;
      while (!due());
      if (events % EVENTS !== 0) throw new Error(`${events} events were read, not ${EVENTS} each time`);
      return events;
    });
  };
}

/** @type {import('./harness.mjs').Suite} */
export default {
  name: 'catch-up',
  title: `A finished run of ${EVENTS.toLocaleString('en')} events, ${Math.round(LOG.length / EVENTS)} bytes each, one by one`,
  operation: 'event',
  baseline: {
    name: 'replay',
    what: 'EventLog.read from start to end',
    measure: reading(root => EventLog.read(root, RUN_ID)),
  },
  groups: [
    {
      heading: 'EventLog.tail',
      rows: [
        {
          name: 'from the start until it ends by itself',
          compare: 'time',
          must: 1.1,
          measure: reading(root => EventLog.tail(root, RUN_ID)),
        },
      ],
    },
  ],
  notes: {},
};
