// @ts-check
/**
 * What diagnostics cost: durable appends with a subscriber on the channel of commits, beside the same without one. A second
 * row without one shows how far two measurements of the same thing lie apart.
 */
import { channel } from 'node:diagnostics_channel';
import { EventLog } from '../../dist/index.js';
import { timed } from './harness.mjs';

const commits = channel('omne-event-log:commit');
let told = 0;
const listen = () => {
  told++;
};

/**
 * @param {boolean} subscribed
 * @returns {import('./harness.mjs').Row['measure']}
 */
function appending(subscribed, writers = 64) {
  return async ({ folder, durationMs }) => {
    const log = await EventLog.create(folder, 'bench');
    if (subscribed) commits.subscribe(listen);
    const before = told;
    const sample = await timed(durationMs, async due => {
      let turn = 0;
      const writer = async () => {
        for (; !due(); turn++) {
          await log.append({ type: 'iteration.started', node_id: 'fix', iteration: 3, byte_offset: turn });
        }
      };
      await Promise.all(Array.from({ length: writers }, writer));
      return turn;
    });
    if (subscribed) commits.unsubscribe(listen);
    if (told > before !== subscribed) throw new Error('the subscriber was not told, or told by nobody');
    await log.close();
    return sample;
  };
}

/**
 * What an append asks where nobody subscribes, as often as appends are made while the others are measured.
 * @type {import('./harness.mjs').Row['measure']}
 */
const asking = ({ durationMs }) =>
  timed(durationMs, due => {
    let times = 0;
    let subscribed = 0;
    do {
      for (let round = 0; round < 10_000; round++) if (commits.hasSubscribers) subscribed++;
      times += 10_000;
    } while (!due());
    if (subscribed > 0) throw new Error('somebody subscribes');
    return times;
  });

/** @type {import('./harness.mjs').Suite} */
export default {
  name: 'diagnostics',
  title: 'Durable appends of 64 concurrent appenders, with and without a subscriber',
  operation: 'event',
  baseline: {
    name: 'unobserved log',
    what: '64 concurrent appenders without a subscriber',
    measure: appending(false),
  },
  groups: [
    {
      heading: 'EventLog, 64 concurrent appenders',
      rows: [
        { name: 'without a subscriber, once more', compare: 'time', measure: appending(false) },
        { name: 'with a subscriber', compare: 'time', measure: appending(true) },
        { name: 'asking whether there is one, once', compare: 'time', measure: asking },
      ],
    },
  ],
  notes: {},
};
