import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { redactDraft } from '../../src/append/redact.js';
import { defineEvents, EventLog, field, maskValues, type Redact } from '../../src/index.js';
import { rejection } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

const SECRET = 'sk-live-4f9a8b7c6d5e';

describe('the option redact', () => {
  test('is called with every text, its type and its field, before the draft is checked', async () => {
    const places: string[] = [];
    const redact: Redact = (text, { type, field }) => {
      places.push(`${type} ${field}=${text}`);
      return text;
    };
    await using log = await EventLog.create(temporaryVolume(), 'feature', { redact });
    await log.append({ type: 'pipe.started', pipe: 'feature', inputs: [{ key: 'k', value: 'v' }] });
    expect(places).toContain('pipe.started pipe=feature');
    expect(places).toContain('pipe.started inputs[0].value=v');
    expect(places.filter(place => place.includes('type='))).toEqual([]);
  });

  test('changes what is logged and what append resolves with, never the draft itself', async () => {
    await using log = await EventLog.create(temporaryVolume(), 'feature', {
      redact: text => text.toUpperCase(),
    });
    const draft = { type: 'pipe.aborted', reason: 'because' } as const;
    expect(await log.append(draft)).toMatchObject({ reason: 'BECAUSE' });
    expect(draft.reason).toBe('because');
    expect(await log.read().toArray()).toMatchObject([{ reason: 'BECAUSE' }]);
  });

  test('rejects the draft with what it throws, and nothing is written', async () => {
    const failure = new Error('no');
    await using log = await EventLog.create(temporaryVolume(), 'feature', {
      redact: text => {
        if (text === 'bad') throw failure;
        return text;
      },
    });
    expect(await rejection(log.append({ type: 'pipe.aborted', reason: 'bad' }))).toBe(failure);
    expect(await rejection(log.appendAll([{ type: 'pipe.aborted', reason: 'bad' }]))).toBe(failure);
    expect(readFileSync(log.path, 'utf8')).toBe('');
    await log.append({ type: 'pipe.aborted', reason: 'good' });
  });

  test('may not change what names a node, a pipe or a file: two nodes would become one', async () => {
    await using log = await EventLog.create(temporaryVolume(), 'feature', { redact: maskValues([SECRET]) });
    const refused = { code: 'ERR_INVALID_EVENT', field: 'node_id' };
    const error = await rejection(log.append({ type: 'node.started', node_id: `a-${SECRET}`, kind: 'bash' }));
    expect(error).toMatchObject(refused);
    expect(inspect(error, { depth: 9 })).not.toContain(SECRET);
    expect(readFileSync(log.path, 'utf8')).toBe('');
  });

  test('must return a string', async () => {
    const redact: Redact = () => Reflect.get({}, 'none');
    await using log = await EventLog.create(temporaryVolume(), 'feature', { redact });
    expect(String(await rejection(log.append({ type: 'pipe.started', pipe: 'p' })))).toContain(
      'must return a string',
    );
  });
});

describe('redactDraft', () => {
  test('reaches texts at any depth, and leaves what is no text', () => {
    const draft = { type: 't', deep: { list: [1, null, true, { a: SECRET }] } };
    expect(redactDraft(draft, maskValues([SECRET]))).toEqual({
      type: 't',
      deep: { list: [1, null, true, { a: '***' }] },
    });
  });

  test('reaches the names in json fields, and those of no other field', async () => {
    const events = defineEvents({
      called: { headers: field.json(), at: field.object({ key: field.string() }) },
    });
    const redact: Redact = text => text.replaceAll(SECRET, '***').replaceAll('key', '-');
    await using log = await EventLog.create(temporaryVolume(), 'feature', { redact, events });
    const called = await log.append({
      type: 'called',
      headers: { [SECRET]: [{ [SECRET]: 1 }] },
      at: { key: 'key' },
    });
    expect(called).toMatchObject({ headers: { '***': [{ '***': 1 }] }, at: { key: '-' } });
    const clash = log.append({ type: 'called', headers: { [SECRET]: 1, '***': 2 }, at: { key: '' } });
    expect(await rejection(clash)).toMatchObject({ code: 'ERR_INVALID_EVENT', field: 'headers' });
    const inner = log.append({
      type: 'called',
      headers: { [SECRET]: { [SECRET]: 1, '***': 2 } },
      at: { key: '' },
    });
    expect(JSON.stringify(await rejection(inner))).not.toContain(SECRET);
    expect(await rejection(inner)).toMatchObject({
      field: 'headers',
      message: expect.not.stringContaining(SECRET),
    });
  });

  test('keeps a name __proto__ a name', () => {
    const draft = JSON.parse('{"type":"t","map":{"__proto__":"text"}}');
    expect(JSON.stringify(redactDraft(draft, text => text))).toBe(JSON.stringify(draft));
  });

  test('passes on what is no draft, however it is made', () => {
    const circle: Record<string, unknown> = { type: 't' };
    circle['self'] = circle;
    for (const odd of [undefined, null, 5, 'text', [], { type: 5 }])
      expect(redactDraft(odd, text => text)).toBe(odd);
    expect(() => redactDraft(circle, text => text)).not.toThrow();
  });
});

test('no byte of a secret is in the log, its torn copy, an error or a message of the diagnostics', async () => {
  const said: unknown[] = [];
  const listener = (message: unknown) => said.push(message);
  subscribe('omne-event-log:commit', listener);
  try {
    const root = temporaryVolume();
    const redact = maskValues([SECRET]);
    const log = await EventLog.create(root, 'feature', { redact });
    await log.append({ type: 'pipe.started', pipe: 'feature', inputs: [{ key: 'token', value: SECRET }] });
    await log.append({
      type: 'node.failed',
      node_id: 'n',
      error: { kind: 'crash' },
      message: `with ${SECRET} in it`,
    });
    await log.append({
      type: 'gate.passed',
      node_id: 'n',
      gate: 'g',
      method: 'hook',
      stdout: btoa(`:${SECRET}`),
    });
    const errors = [
      await rejection(Reflect.apply(log.append, log, [{ type: 'pipe.aborted', reason: 5 }])),
      await rejection(Reflect.apply(log.append, log, [{ type: 'node.started', node_id: 'n', kind: SECRET }])),
      await rejection(log.append({ type: 'node.completed', node_id: 'n', output_path: `/${SECRET}` })),
    ];
    await log.close();
    truncateSync(log.path, statSync(log.path).size - 2); // as a kill within the write does
    const again = await EventLog.open(root, log.runId, { redact });
    await again.close();
    expect(readFileSync(again.recovered?.savedTo ?? '', 'utf8')).toContain('***');
    const folder = dirname(log.path);
    const kept = readdirSync(folder).map(name => readFileSync(join(folder, name), 'utf8'));
    const all = [
      ...kept,
      ...errors.map(error => inspect(error, { depth: 9 })),
      inspect(said, { depth: 9 }),
    ].join('\n');
    expect(all).toContain('***');
    expect(all).not.toContain(SECRET);
    expect(all).not.toContain(btoa(`:${SECRET}`).slice(4, -4));
  } finally {
    unsubscribe('omne-event-log:commit', listener);
  }
});
