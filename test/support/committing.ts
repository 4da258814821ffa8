/** Commits to a log on a disk in memory. */
import type { Append } from '../../src/append/admission.js';
import { Committer } from '../../src/append/committer.js';
import { EventLogError } from '../../src/errors.js';
import { decodeEvent } from '../../src/format/decode.js';
import { prepareDraft } from '../../src/format/encode.js';
import type { EventDraft } from '../../src/format/events.js';
import { RUN_ID } from './logs.js';
import type { MemoryDisk } from './memory-file.js';

/** A draft that can be recognized by its gate. */
export const gate = (name: string): EventDraft => ({
  type: 'gate.passed',
  node_id: 'n',
  gate: name,
  method: 'hook',
});

/** Commits groups of drafts as one batch; returns for each group `kept` or the code of its error, and how many events it kept. */
export async function commit(committer: Committer, ...groups: EventDraft[][]): Promise<string[]> {
  const outcomes: string[] = [];
  const batch = groups.map((drafts, index): Append => {
    const events = drafts.map(draft => prepareDraft(draft, RUN_ID));
    return {
      events,
      bytes: events.reduce((sum, { bytes }) => sum + bytes, 0),
      last: events.at(-1)?.event.type === 'pipe.completed',
      resolve: () => {
        outcomes[index] = 'kept';
      },
      reject: error => {
        outcomes[index] =
          error instanceof EventLogError ? [error.code, error.kept].join(' ').trim() : String(error);
      },
    };
  });
  (await committer.commit(batch))();
  return outcomes;
}

/** A writer that has looked at the log. */
export async function started(disk: MemoryDisk): Promise<Committer> {
  const committer = new Committer(disk.open(), { lock: true });
  await committer.start();
  return committer;
}

/** The gates of the events on a disk; of other events their type. */
export const gatesIn = (disk: MemoryDisk): string[] =>
  disk.written
    .toString()
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const event = decodeEvent(line);
      return event.type === 'gate.passed' ? event.gate : event.type;
    });
