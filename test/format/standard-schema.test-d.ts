/** Json fields take their types from schemas of zod, valibot and arktype. */
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expectTypeOf, test } from 'vitest';
import * as z from 'zod';
import { type DraftsOf, defineEvents, type EventLog, type EventsOf, field } from '../../src/index.js';

const events = defineEvents({
  zod: { call: field.json(z.object({ tool: z.enum(['grep', 'ls']), args: z.array(z.string()) })) },
  valibot: { call: field.json(v.object({ tool: v.picklist(['grep', 'ls']), args: v.array(v.string()) })) },
  arktype: { call: field.json(type({ tool: "'grep' | 'ls'", args: 'string[]' })).optional() },
});
declare const log: EventLog<typeof events>;
type Call = { tool: 'grep' | 'ls'; args: string[] };
type ReadonlyCall = { readonly tool: 'grep' | 'ls'; readonly args: readonly string[] };
type Field<T extends { type: string }, K extends string> =
  Extract<T, { type: K }> extends { call?: infer C } ? C : never;

describe('a json field with a schema', () => {
  test('holds what the schema gives', () => {
    expectTypeOf<Field<EventsOf<typeof events>, 'zod'>>().toEqualTypeOf<Call>();
    expectTypeOf<Field<EventsOf<typeof events>, 'valibot'>>().toEqualTypeOf<Call>();
    expectTypeOf<Exclude<Field<EventsOf<typeof events>, 'arktype'>, undefined>>().toEqualTypeOf<Call>();
  });

  test('takes the same from a draft, also where it may only be read', () => {
    expectTypeOf<Field<DraftsOf<typeof events>, 'zod'>>().toEqualTypeOf<ReadonlyCall>();
    const call = { tool: 'grep', args: ['-n'] } as const;
    log.append({ type: 'zod', call });
    log.append({ type: 'valibot', call });
    log.append({ type: 'arktype', call });
    log.append({ type: 'arktype' });
  });

  test('refuses what the schema would', () => {
    // @ts-expect-error no such tool
    log.append({ type: 'zod', call: { tool: 'rm', args: [] } });
    // @ts-expect-error a part is missing
    log.append({ type: 'valibot', call: { tool: 'ls' } });
    // @ts-expect-error of another kind
    log.append({ type: 'arktype', call: { tool: 'ls', args: [1] } });
    // @ts-expect-error no part of it
    log.append({ type: 'zod', call: { tool: 'ls', args: [], more: 1 } });
  });
});
