/** Runs to be mirrored. */
import { EventLog } from '../../../src/index.js';

/** A log with so many node events; open. */
export async function startedRun(root: string, events: number): Promise<EventLog> {
  const log = await EventLog.create(root, 'feature');
  await appendSome(log, events);
  return log;
}

/** A run of so many node events and the terminal one, its log closed. */
export async function finishedRun(root: string, events: number): Promise<string> {
  return finish(await startedRun(root, events));
}

/** Ends a run and closes its log. */
export async function finish(log: EventLog): Promise<string> {
  await log.append({ type: 'pipe.completed' });
  await log.close();
  return log.runId;
}

/** Appends so many events in one write. */
export async function appendSome(log: EventLog, events: number): Promise<void> {
  const drafts = Array.from({ length: events }, (_, index) => {
    return { type: 'node.started', node_id: `n${index}`, kind: 'bash', name: `шаг "${index}"` } as const;
  });
  await log.appendAll(drafts);
}
