/** What a segment holds, known without making its events. */
import { isUtf8 } from 'node:buffer';
import { decodeOrSkip } from '../../format/decode.js';
import { LF } from '../../format/lines.js';
import type { Vocabulary } from '../../format/vocabulary.js';

const NOTHING = Buffer.alloc(0);

/** How many lines of a segment are events of a vocabulary, and whether one of them ends the run. */
export function eventsIn(lines: Buffer, vocabulary: Vocabulary): { events: number; ended: boolean } {
  const { matcher } = vocabulary;
  const fast = isUtf8(lines);
  let events = 0;
  let ended = false;
  if (fast) matcher.use(lines);
  for (let start = 0, end: number; start < lines.length; start = end + 1) {
    const matched = fast ? matcher.match(start) : -1;
    end = matched < 0 ? lines.indexOf(LF, start) : matched;
    const type = matched < 0 ? decodeOrSkip(lines.subarray(start, end), vocabulary)?.type : matcher.type;
    if (type === undefined) continue;
    events++;
    ended ||= vocabulary.isTerminalType(type);
  }
  matcher.use(NOTHING); // which holds on to no buffer then
  return { events, ended };
}
