/** Runs of other than the built-in events carry their vocabulary. */
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseVocabulary, vocabularyText } from '../../src/format/vocabulary-text.js';
import { defineEvents, EventLog, field, omneEvents, repairRun, verifyRun } from '../../src/index.js';
import { temporaryVolume } from '../support/volume.js';

const fields = { ok: field.boolean() };
const started = { target: field.string(), args: field.list(field.string()).default([]) };
const types = () => ({
  'build.started': started,
  'step.finished': {
    seconds: field.number(),
    outcome: field.enum('ok', 'failed'),
    exit: field.integer({ min: -1, max: 255 }),
    at: field.object({ file: field.string(), line: field.integer().optional() }).optional(),
    detail: field.json().optional(),
  },
  'build.finished': fields,
});
const builds = defineEvents(types(), { terminal: ['build.finished'] });

/** A run of builds, closed. */
async function buildRun(root: string): Promise<{ runId: string; path: string; file: string }> {
  await using log = await EventLog.create(root, 'nightly', { events: builds });
  await log.append({ type: 'build.started', target: 'all' });
  return { runId: log.runId, path: log.path, file: join(dirname(log.path), 'vocabulary.json') };
}

async function only<Item>(items: AsyncIterable<Item>): Promise<Item> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  expect(all).toHaveLength(1);
  return all[0] as Item;
}

describe('the file', () => {
  test('has a bound: a vocabulary that takes more is a TypeError, and no run is made', async () => {
    const root = temporaryVolume();
    const words = Array.from({ length: 256 }, (_, index) => `${index}`.padEnd(250, '.'));
    const word = field.enum('', ...words.slice(1));
    const events = defineEvents(
      Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`t${n}`, { word }])),
    );
    await expect(EventLog.create(root, 'large', { events })).rejects.toThrow(
      new TypeError('the vocabulary takes more than 1048576 bytes'),
    );
    expect(readdirSync(join(root, '.omne/var/runs'))).toEqual([]);
  });

  test('holds all there is to a vocabulary but the schemas of json', () => {
    const text = vocabularyText(builds);
    const read = parseVocabulary(text);
    expect(read.schema).toEqual(builds.schema);
    expect(read.terminal).toEqual(['build.finished']);
    expect(vocabularyText(read)).toBe(text);
    expect(vocabularyText(parseVocabulary(vocabularyText(omneEvents)))).toBe(vocabularyText(omneEvents));
  });

  test('is there for a run of events of its own, and for no other', async () => {
    const root = temporaryVolume();
    const { file } = await buildRun(root);
    expect(readFileSync(file, 'utf8')).toBe(vocabularyText(builds));
    await using other = await EventLog.create(root, 'feature');
    expect(readdirSync(dirname(other.path))).toEqual(['events.jsonl']);
  });

  test.for<[string, string]>([
    ['', 'Unexpected end'],
    ['[]', 'must be an object'],
    ['{"version":2,"terminal":[],"events":{"a":{}}}', 'version 2'],
    ['{"version":1,"terminal":["b"],"events":{"a":{}}}', 'not defined'],
    ['{"version":1,"terminal":[],"events":{}}', 'needs an event type'],
    ['{"version":1,"terminal":[],"events":{"a":{}},"more":1}', '"more"'],
    ['{"version":1,"terminal":[],"events":{"__proto__":{}}}', 'cannot be an event type'],
    ['{"version":1,"terminal":[],"events":{"a":{"b c":{"type":"string"}}}}', 'cannot be the name'],
    ['{"version":1,"terminal":[],"events":{"a":{"id":{"type":"string"}}}}', 'every event has'],
    ['{"version":1,"terminal":[],"events":{"a":{"b":{"type":"date"}}}}', 'no known kind'],
    ['{"version":1,"terminal":[],"events":{"a":{"b":{"type":"string","max":1}}}}', '"max"'],
    [
      '{"version":1,"terminal":[],"events":{"a":{"b":{"type":"integer","min":2,"max":1}}}}',
      'greater than max',
    ],
    ['{"version":1,"terminal":[],"events":{"a":{"b":{"type":"integer","min":0.5,"max":1}}}}', 'safe integer'],
    ['{"version":1,"terminal":[],"events":{"a":{"b":{"type":"enum","values":[1]}}}}', 'must hold texts'],
    ['{"version":1,"terminal":[],"events":{"a":{"b":{"type":"enum","values":[]}}}}', 'needs a word'],
    [
      '{"version":1,"terminal":[],"events":{"a":{"b":{"type":"string","presence":"defaulted","default":1}}}}',
      'a string',
    ],
    ['{"version":1,"terminal":[],"events":{"a":{"b":{"type":"json","schema":{"~standard":1}}}}}', '"schema"'],
    [
      `{"version":1,"terminal":[],"events":{"a":{"b":${'{"type":"list","of":'.repeat(99)}{"type":"json"}${'}'.repeat(99)}}}}`,
      'nested',
    ],
  ])('with the text %j is refused', ([text, reason]) => {
    expect(() => parseVocabulary(text)).toThrow(reason);
    expect(() => parseVocabulary(text)).toThrow(expect.objectContaining({ code: 'ERR_VOCABULARY_INVALID' }));
  });
});

describe('a run with a vocabulary', () => {
  test('is listed, verified and repaired without the program that defines it', async () => {
    const root = temporaryVolume();
    const { runId, path } = await buildRun(root);
    writeFileSync(path, '{"type":"build.fi', { flag: 'a' });
    expect(await only(EventLog.runs(root))).toMatchObject({ status: 'running', eventCount: 1 });
    expect((await verifyRun(root, runId)).problems).toMatchObject([{ kind: 'torn-tail' }]);
    expect(await repairRun(root, runId)).toMatchObject({ bytes: 17 });
    await using log = await EventLog.open(root, runId, { events: builds });
    await log.append({ type: 'build.finished', ok: true });
    expect(await verifyRun(root, runId)).toMatchObject({ ok: true, events: 2, ended: true });
    for (const counts of [undefined, false] as const) {
      const run = await only(counts === false ? EventLog.runs(root, { counts }) : EventLog.runs(root));
      expect(run).toMatchObject({ status: 'completed', runId });
      expect(run).toHaveProperty('startedAt');
      expect(run).not.toHaveProperty('problem');
    }
  });

  test('whose vocabulary is damaged is a problem of that run alone', async () => {
    const root = temporaryVolume();
    const { runId, file } = await buildRun(root);
    await (await EventLog.create(root, 'other')).close();
    writeFileSync(file, 'nonsense');
    const problems: (string | undefined)[] = [];
    for await (const run of EventLog.runs(root)) problems.push(run.problem);
    expect(problems).toEqual([expect.stringContaining('vocabulary of the run is damaged'), undefined]);
    for (const use of [verifyRun, repairRun, EventLog.open])
      await expect(use(root, runId)).rejects.toMatchObject({ code: 'ERR_VOCABULARY_INVALID', path: file });
  });

  test('whose vocabulary is missing has lines of an unknown type', async () => {
    const root = temporaryVolume();
    const { file } = await buildRun(root);
    rmSync(file);
    expect(await only(EventLog.runs(root))).toMatchObject({
      problem: expect.stringContaining('unknown event type "build.started"'),
    });
  });

  test.for(['link', 'folder', 'too large'] as const)('with a %s in its place is refused', async what => {
    const root = temporaryVolume();
    const { runId, file } = await buildRun(root);
    const elsewhere = join(root, 'elsewhere.json');
    linkSync(file, elsewhere);
    rmSync(file);
    if (what === 'link') symlinkSync(elsewhere, file);
    else if (what === 'folder') mkdirSync(file);
    else {
      writeFileSync(file, '');
      truncateSync(file, 2 ** 30);
    }
    await expect(verifyRun(root, runId)).rejects.toMatchObject({
      code: 'ERR_VOCABULARY_INVALID',
      path: file,
    });
  });
});

describe('opening a run with another vocabulary', () => {
  const bigger = builds.extend({ 'step.skipped': {} });
  const wider = defineEvents(
    { ...types(), 'build.started': { ...started, cause: field.string().optional() } },
    { terminal: ['build.finished'] },
  );

  test.for([
    ['more types', bigger],
    ['more optional fields', wider],
  ] as const)('that has %s puts it in the place of the old one', async ([, events]) => {
    const root = temporaryVolume();
    const { runId, file } = await buildRun(root);
    await (await EventLog.open(root, runId, { events })).close();
    expect(readFileSync(file, 'utf8')).toBe(vocabularyText(events));
    expect(readdirSync(dirname(file)).filter(name => name.includes('.new-'))).toEqual([]);
    await expect(EventLog.open(root, runId, { events: builds })).rejects.toMatchObject({
      code: 'ERR_VOCABULARY_CONFLICT', // which lacks what is there by now
    });
  });

  test('that adds to the built-in one gives the run a file', async () => {
    const root = temporaryVolume();
    const log = await EventLog.create(root, 'feature');
    await log.append({ type: 'pipe.started', pipe: 'feature' });
    await log.close();
    const agents = omneEvents.extend({ 'tool.called': { tool: field.string() } });
    await using again = await EventLog.open(root, log.runId, { events: agents });
    await again.append({ type: 'tool.called', tool: 'grep' });
    expect(readFileSync(join(dirname(log.path), 'vocabulary.json'), 'utf8')).toBe(vocabularyText(agents));
    expect(await verifyRun(root, log.runId)).toMatchObject({ ok: true, events: 2 });
  });

  test.for<[string, ReturnType<typeof defineEvents>]>([
    [
      'a type less',
      defineEvents({ 'build.started': started, 'build.finished': fields }, { terminal: ['build.finished'] }),
    ],
    [
      'a field that must be there',
      defineEvents(
        { ...types(), 'build.finished': { ...fields, by: field.string() } },
        { terminal: ['build.finished'] },
      ),
    ],
    [
      'a field of another kind',
      defineEvents(
        { ...types(), 'build.finished': { ok: field.string() } },
        { terminal: ['build.finished'] },
      ),
    ],
    ['a field less', defineEvents({ ...types(), 'build.finished': {} }, { terminal: ['build.finished'] })],
    ['another end', defineEvents(types())],
    ['nothing in common', defineEvents({ a: {} })],
  ])('that has %s is ERR_VOCABULARY_CONFLICT, and nothing changes', async ([, events]) => {
    const root = temporaryVolume();
    const { runId, path, file } = await buildRun(root);
    const before = [readFileSync(path), readFileSync(file)];
    await expect(EventLog.open(root, runId, { events })).rejects.toMatchObject({
      code: 'ERR_VOCABULARY_CONFLICT',
    });
    expect([readFileSync(path), readFileSync(file)]).toEqual(before);
  });

  test('that is not given takes that of the run', async () => {
    const root = temporaryVolume();
    const { runId } = await buildRun(root);
    await using log = await EventLog.open(root, runId);
    await expect(log.append({ type: 'pipe.completed' })).rejects.toMatchObject({ code: 'ERR_INVALID_EVENT' });
    expect(await log.read().toArray()).toMatchObject([{ type: 'build.started', args: [] }]);
  });
});
