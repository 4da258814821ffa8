/** Events of megabytes: what is sent and kept of them is bounded, and says what is left out. */
import { describe, expect, test, vi } from 'vitest';
import type { EventsAnswer, RunAnswer, RunsAnswer } from '../../src/web.js';
import { type Step, writeRun } from '../support/cli-runs.js';
import { quickVolume } from '../support/quick-volume.js';
import { fullStrength } from '../support/rounds.js';
import { ask, askJson, StreamClient, serverOf } from '../support/web-client.js';

const MEGABYTES = 2_000_000;
const FAILURES = fullStrength ? 20 : 5;
const SAYS_SO = /^x+… \(1996000 characters left out\) …x+$/;

/** Nodes that failed with 2 MB each, and a run with a reason of as much. */
function giants(root: string): string {
  const giant = 'x'.repeat(MEGABYTES);
  const failures = Array.from(
    { length: FAILURES },
    (_, index): Step => [
      index + 1,
      { type: 'node.failed', node_id: `n${index}`, error: { kind: 'crash' }, message: giant },
    ],
  );
  return writeRun(root, 'giants', [
    [0, { type: 'pipe.started', pipe: 'giants', inputs: [{ key: 'prompt', value: giant }] }],
    [1, { type: 'gate.passed', node_id: 'n0', gate: 'g', method: 'hook', stdout: giant }],
    ...failures,
    [100, { type: 'pipe.aborted', reason: giant }],
  ]).runId;
}

describe('a run with giants', () => {
  test('has a small head, small nodes, and a small row in the list', async () => {
    const root = quickVolume();
    const runId = giants(root);
    const { port } = await serverOf(root);
    const { text } = await ask(port, `/api/v1/runs/${runId}`);
    expect(text.length).toBeLessThan((FAILURES + 3) * 5000);
    const { run, nodes }: RunAnswer = JSON.parse(text);
    for (const said of [
      run.reason,
      run.inputs[0]?.value,
      nodes[0]?.gates[0]?.stdout,
      ...nodes.map(node => node.message),
    ])
      expect(said).toMatch(SAYS_SO);
    expect(run.counts).toMatchObject({ events: FAILURES + 3, failed: FAILURES });
    const list = await askJson<RunsAnswer>(port, '/api/v1/runs');
    expect(list.runs[0]?.reason).toMatch(SAYS_SO);
  });

  test('has its events cut and marked, in pages and in streams, and one as a whole where it is asked for', async () => {
    const root = quickVolume();
    const runId = giants(root);
    const { port } = await serverOf(root);
    const path = `/api/v1/runs/${runId}/events`;
    for (const query of ['?limit=500', '?types=node.failed', `?types=node.failed&last=${FAILURES}`]) {
      const { text } = await ask(port, path + query);
      expect(text.length).toBeLessThan((FAILURES + 3) * 5000);
      const { events, atEnd }: EventsAnswer = JSON.parse(text);
      expect(events.filter(({ shortened }) => shortened).length).toBeGreaterThanOrEqual(FAILURES);
      expect(events.at(3)?.event['message']).toMatch(SAYS_SO);
      expect(atEnd).toBe(true);
    }
    const whole = await askJson<EventsAnswer>(port, `${path}?number=5&limit=1&whole=1`);
    expect(whole.events[0]?.event['message']).toBe('x'.repeat(MEGABYTES));
    expect(whole.events[0]).not.toHaveProperty('shortened');
    expect((await ask(port, `${path}?whole=1`)).status).toBe(400);
    const client = new StreamClient(port, `/api/v1/stream?run=${runId}&after=0.0.0`);
    await vi.waitFor(() => expect(client.ended || client.status >= 400).toBe(true), 20_000);
    expect(client.eventIds).toHaveLength(FAILURES + 3);
    expect(JSON.stringify(client.messages).length).toBeLessThan((FAILURES + 3) * 20_000);
  });
});

test('node ids of megabytes are cut in every answer, and nodes that differ within them stay two', async () => {
  const root = quickVolume();
  const ids = ['b', 'c'].map(middle => `${'a'.repeat(MEGABYTES)}${middle}${'z'.repeat(MEGABYTES)}`);
  const steps = ids.map((node_id, at): Step => [at, { type: 'node.started', node_id, kind: 'bash' }]);
  const { runId } = writeRun(root, 'giants', steps);
  const { port } = await serverOf(root);
  const { nodes } = await askJson<RunAnswer>(port, `/api/v1/runs/${runId}`);
  const said = nodes.map(({ nodeId }) => nodeId);
  expect(new Set(said).size).toBe(2);
  for (const id of said)
    expect(id).toMatch(/^a{150}… \(3999701 characters left out, sha256 .{16}\) …z{150}$/);
  const { text } = await ask(port, `/api/v1/runs/${runId}/events`);
  expect(text.length).toBeLessThan(5000);
  const { events }: EventsAnswer = JSON.parse(text);
  expect(events.map(({ event, shortened }) => [event['node_id'], shortened])).toEqual(
    said.map(id => [id, true]),
  );
  const output = await ask(port, `/api/v1/runs/${runId}/nodes/${encodeURIComponent(said[0] ?? '')}/output`);
  expect(output.status).toBe(400); // such a node has none
});

describe('a page of events', () => {
  test('ends where it is long enough, and goes on from there', async () => {
    const root = quickVolume();
    const steps = Array.from(
      { length: 900 },
      (_, index): Step => [
        index,
        { type: 'node.failed', node_id: `n${index}`, error: { kind: 'crash' }, message: 'x'.repeat(3900) },
      ],
    );
    const { runId } = writeRun(root, 'p', steps);
    const { port } = await serverOf(root);
    const events = (query: string) => askJson<EventsAnswer>(port, `/api/v1/runs/${runId}/events?${query}`);
    const numbers: (number | undefined)[] = [];
    for (let isDone = false; !isDone; ) {
      const page = await events(`number=${numbers.length}&limit=1000`);
      expect(JSON.stringify(page).length).toBeLessThan(2_100_000);
      numbers.push(...page.events.map(({ number }) => number));
      isDone = page.atEnd;
    }
    expect(numbers).toEqual(steps.map((_, index) => index));
    const ids: unknown[] = [];
    for (let from: number | undefined = 0; from !== undefined; ) {
      const page: EventsAnswer = await events(`types=node.failed&limit=1000&from=${from}`);
      expect(JSON.stringify(page).length).toBeLessThan(2_100_000);
      ids.push(...page.events.map(({ event }) => event['node_id']));
      from = page.atEnd ? undefined : page.next;
    }
    expect(ids).toEqual(steps.map((_, index) => `n${index}`));
    const last = await events('types=node.failed&last=900');
    expect(last.events.length).toBeLessThan(900);
    expect(last.events.at(-1)?.event['node_id']).toBe('n899');
  });
});
