/**
 * Asks in a tight loop whether a run is live, until its input is closed; then prints how often it asked and how often the
 * answer was yes: `probe <root> <run id>`.
 */
import { isLive } from '../../../dist/volume/liveness.js';
import { placesOf } from '../../../dist/volume/places.js';

const [, , root, runId] = process.argv;
const places = placesOf(root, runId);
let asked = 0;
let live = 0;
let going = true;
process.stdin.resume().on('end', () => {
  going = false;
});
while (going) {
  if (await isLive(places)) live++;
  if (++asked === 1) console.log('probing');
  if (asked % 50 === 0) await new Promise(setImmediate);
}
console.log(JSON.stringify({ asked, live }));
