import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EVENT_TYPES, type EventType, type RunEvent } from '../../src/format/events.js';
import { checkOptions } from '../../src/options.js';
import { EventFilter, READ_OPTIONS, type ReadOptions } from '../../src/read/event-filter.js';
import { EventReader } from '../../src/read/event-reader.js';
import { placesOf } from '../../src/volume/places.js';
import { RUN_ID, sampleEvent, sampleEvents } from '../support/logs.js';
import { rounds } from '../support/rounds.js';

function passed(filter: EventFilter, events: readonly RunEvent[]): RunEvent[] {
  return events.filter(event => filter.take(event));
}

describe('EventFilter', () => {
  const events = sampleEvents(60);

  test('without options everything passes', () => {
    const filter = new EventFilter({});
    expect(passed(filter, events)).toEqual(events);
    expect(filter.exhausted).toBe(false);
  });

  test('after an event that is there: begins after it', () => {
    expect(passed(new EventFilter({ after: sampleEvent(41).id }), events)).toEqual(events.slice(42));
  });

  test('after an event that is there: what comes after it passes, also with a smaller id', () => {
    const events = [5, 6, 2, 7].map(sampleEvent);
    expect(passed(new EventFilter({ after: sampleEvent(6).id }), events)).toEqual([2, 7].map(sampleEvent));
  });

  test('after an event that is not there: begins at the first one with a greater id', () => {
    const gap = events.toSpliced(41, 1);
    expect(passed(new EventFilter({ after: sampleEvent(41).id }), gap)).toEqual(events.slice(42));
    expect(passed(new EventFilter({ after: '' }), events)).toEqual(events);
    expect(passed(new EventFilter({ after: '7' }), events)).toEqual([]);
  });

  test('an event without a node does not belong to any node', () => {
    const aborted = sampleEvent(3);
    expect(aborted.type).toBe('pipe.aborted');
    expect(new EventFilter({ nodeId: 'node-0' }).matches(aborted)).toBe(false);
    expect(new EventFilter({ nodeId: '' }).matches(aborted)).toBe(false);
  });

  test('an empty list of types lets nothing through', () => {
    expect(passed(new EventFilter({ types: [] }), events)).toEqual([]);
  });

  test('the limit counts the events that pass, and is used up with the last of them', () => {
    const filter = new EventFilter({ types: ['gate.passed'], limit: 2 });
    const flags = events.slice(0, 8).map(event => [filter.take(event), filter.exhausted]);
    expect(flags.findIndex(([took]) => took)).toBe(2);
    expect(flags.findIndex(([, exhausted]) => exhausted)).toBe(7);
    expect(passed(filter, events)).toEqual([]);
  });

  test('limit 0 and last 0 are used up at once', () => {
    expect(new EventFilter({ limit: 0 }).exhausted).toBe(true);
    expect(new EventFilter({ last: 0 }).exhausted).toBe(true);
  });

  test('a list of types changed afterwards changes nothing', () => {
    const types: EventType[] = ['gate.passed'];
    const filter = new EventFilter({ types });
    types.push('node.started');
    expect(filter.matches(sampleEvent(0))).toBe(false);
  });

  test('after, types, nodeId and limit combine as they would one after the other', () => {
    const options = fc.record<ReadOptions>(
      {
        after: fc.nat(70).map(index => sampleEvent(index).id),
        types: fc.subarray([...EVENT_TYPES]),
        nodeId: fc.constantFrom('node-0', 'node-1', 'node-9'),
        limit: fc.nat(20),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(options, given => {
        const { after, types, nodeId, limit } = given;
        const expected = events
          .filter(event => after === undefined || event.id > after)
          .filter(event => types === undefined || types.includes(event.type))
          .filter(event => nodeId === undefined || ('node_id' in event && event.node_id === nodeId))
          .slice(0, limit);
        expect(passed(new EventFilter(given), events)).toEqual(expected);
      }),
      { numRuns: rounds(300) },
    );
  });
});

describe('READ_OPTIONS', () => {
  const places = placesOf('nowhere', RUN_ID);
  const numbers = ['from', 'limit', 'last', 'maxLineBytes'] as const;
  const mistakes: { name: string; values: unknown[] }[] = [
    ...numbers.map(name => ({ name, values: [-1, 0.5, Number.NaN, 2 ** 53, '1', 1n, null] })),
    { name: 'after', values: [1, null, {}] },
    { name: 'nodeId', values: [1, null, ['node-0']] },
    { name: 'types', values: ['node.started', ['node.sleeps'], [1], null, new Set(['node.started'])] },
    { name: 'onMalformed', values: ['skip', null, 1, {}] },
    { name: 'signal', values: ['now', null, 1, {}] },
  ];

  test.for(mistakes)('a wrong $name is a TypeError that names it, before anything is read', mistake => {
    for (const value of mistake.values) {
      const options: ReadOptions = { [mistake.name]: value };
      expect(() => checkOptions(options, READ_OPTIONS)).toThrow(TypeError);
      expect(() => checkOptions(options, READ_OPTIONS)).toThrow(`option ${mistake.name}`);
      expect(() => new EventReader(places, options)).toThrow(TypeError);
    }
  });

  test('every option may be left out, given as undefined, or given well', () => {
    const names = mistakes.map(({ name }) => name);
    expect(() => checkOptions({}, READ_OPTIONS)).not.toThrow();
    expect(() =>
      checkOptions(Object.fromEntries(names.map(name => [name, undefined])), READ_OPTIONS),
    ).not.toThrow();
    for (const name of numbers) expect(() => checkOptions({ [name]: 0 }, READ_OPTIONS)).not.toThrow();
    const signal = new AbortController().signal;
    const options: ReadOptions = { after: '', nodeId: '', types: [], onMalformed: 'throw', signal };
    expect(() => checkOptions(options, READ_OPTIONS)).not.toThrow();
    expect(() => checkOptions({ types: EVENT_TYPES, onMalformed: () => {} }, READ_OPTIONS)).not.toThrow();
  });
});
