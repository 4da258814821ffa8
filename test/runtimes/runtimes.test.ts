/**
 * The built package in other runtimes than Node, beside the Node that runs the tests: the same bytes, the same locks. Each of them
 * lives through a run, appends beside Node, is killed, and holds the lock against Node as Node does against it.
 */
import { describe, expect } from 'vitest';
import { EventLog, verifyRun } from '../../src/index.js';
import { type Program, startProgram, startProgramWith } from '../support/processes/program.js';
import { fullStrength } from '../support/rounds.js';
import { testWith } from '../support/tools.js';
import type { Tool } from '../support/trials.js';
import { temporaryVolume } from '../support/volume.js';

type Command = readonly [string, ...string[]];

const RUNTIMES: readonly { readonly name: string; readonly command: Command; readonly tool: Tool }[] = [
  { name: 'Bun', command: ['bun'], tool: 'bun' },
  { name: 'Bun on musl', command: ['bun-musl'], tool: 'bun-musl' },
  { name: 'Deno', command: ['deno', 'run', '--allow-all'], tool: 'deno' },
];

const EVENTS = 30; // whole batches
const WAYS = ['awaited', 'awaited', 'batches', 'concurrent']; // by default every other one for each side
const TIMEOUT_MS = 60_000;

async function closedLog(): Promise<EventLog> {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  await log.close();
  return log;
}

for (const { name, command, tool } of RUNTIMES) {
  const start = (program: string, ...args: string[]): Program => startProgramWith(command, program, ...args);
  const itself = (sentence: string, body: () => Promise<void>) =>
    testWith([tool], sentence, body, TIMEOUT_MS);
  // Bun on musl is the same Bun: by default it shows what depends on the C library, how packages are loaded and the lock.
  const itsEngine: typeof itself = (sentence, body) => {
    if (fullStrength || tool !== 'bun-musl') itself(sentence, body);
  };

  describe(`with ${name}`, () => {
    itself('eight writers append, a tail follows, the run is resumed, ended and verified', async () => {
      const program = start('live-through', temporaryVolume());
      expect(JSON.parse(await program.next())).toEqual({
        refused: 'ERR_RUN_OWNED',
        live: false,
        liveAgain: true,
        resumedAt: 201,
        followed: 202,
        replayed: 202,
        ordered: true,
        rising: true,
        ok: true,
      });
      await program.finished();
    });

    itsEngine(
      'some of its processes and some of Node append at once: nothing mixed, nothing lost',
      async () => {
        const log = await closedLog();
        const appenders = [start, startProgram].flatMap((starts, side) =>
          WAYS.filter((_, index) => fullStrength || index % 2 === side).map((how, index) => {
            const node = `${side}-${index}`;
            return { node, program: starts('append-many', log.root, log.runId, node, `${EVENTS}`, how) };
          }),
        );
        for (const { program } of appenders) expect(await program.next()).toBe('ready');
        for (const { program } of appenders) program.say('go');
        const events = await finishedEvents(log, appenders);
        expect(events).toBe(appenders.length * EVENTS);
        expect(await verifyRun(log.root, log.runId)).toMatchObject({ ok: true, events });
      },
    );

    itsEngine(
      'what it acknowledged before it was killed is there, and Node goes on with the run',
      async () => {
        const log = await closedLog();
        const writer = start('append-until-killed', log.root, log.runId, 'killed', 'mixed');
        expect(await writer.next()).toBe('null'); // nothing to repair
        await writer.next();
        expect(await EventLog.isLive(log.root, log.runId)).toBe(true);
        let acknowledged = '';
        for (let lines = 0; lines < 100; lines++) acknowledged = await writer.next();
        await writer.kill();
        acknowledged = (await writer.rest()).at(-1) ?? acknowledged; // it may have said nothing more
        expect(await EventLog.isLive(log.root, log.runId)).toBe(false);

        const { log: again } = await EventLog.resume(log.root, log.runId);
        const ids = (await again.read().toArray()).map(event => event.id);
        expect(ids).toContain(acknowledged.split(' ')[1]);
        await again.append({ type: 'pipe.completed' });
        await again.close();
        expect(await verifyRun(log.root, log.runId)).toMatchObject({ ok: true, events: ids.length + 1 });
      },
    );

    itsEngine('it reopens and repairs what a killed Node left', async () => {
      const log = await closedLog();
      const dying = startProgram('append-and-die', log.root, log.runId, 'victim', '20');
      expect(await dying.next()).toBe('ready');
      dying.say('go');
      const acknowledged = await dying.rest();
      expect(acknowledged).toHaveLength(20);
      const writer = start('append-until-killed', log.root, log.runId, 'after', 'mixed');
      expect(JSON.parse(await writer.next())).toMatchObject({ bytes: 42 });
      const first = (await writer.next()).split(' ')[1] ?? '';
      await writer.kill();
      expect(first > (acknowledged.at(-1) ?? '')).toBe(true);
    });

    itself('the lock it holds is held against Node, and that of Node against it', async () => {
      const log = await closedLog();
      const holder = start('hold-lock', log.path);
      expect(await holder.next()).toBe('held');
      const refused = EventLog.open(log.root, log.runId, { lockTimeout: 100 });
      await expect(refused).rejects.toMatchObject({ code: 'ERR_LOCK_TIMEOUT' });
      const late = startProgram('hold-lock', log.path);
      expect(await late.next()).toBe('refused');
      holder.hangUp();
      await holder.finished();

      const held = startProgram('hold-lock', log.path);
      expect(await held.next()).toBe('held');
      expect(await start('hold-lock', log.path).next()).toBe('refused');
    });
  });
}

/** Waits for all, and counts their events, each held against what its process reports. */
async function finishedEvents(
  log: EventLog,
  appenders: readonly { readonly node: string; readonly program: Program }[],
): Promise<number> {
  const reports = new Map<string, string[]>();
  for (const { node, program } of appenders) {
    reports.set(node, JSON.parse(await program.next()).ids);
    await program.finished();
  }
  const events = await EventLog.read(log.root, log.runId).toArray();
  for (const [node, ids] of reports) {
    const own = events.filter(event => event.type === 'gate.passed' && event.node_id === node);
    expect(own.map(event => event.id)).toEqual(ids);
  }
  return events.length;
}
