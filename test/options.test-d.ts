/** Every optional member of every public options type takes `undefined`, as `{ signal: maybe }` gives it. */
import { expectTypeOf, test } from 'vitest';
import {
  type DecoderOptions,
  EventLog,
  eventDecoder,
  type LogOptions,
  type OpenLogOptions,
  type ReadOptions,
  type RunOutline,
  type RunSummary,
  type RunsOptions,
  repairRun,
  type TailOptions,
  type VerifyOptions,
  verifyRun,
} from '../src/index.js';

declare const signal: AbortSignal | undefined;
declare const log: EventLog;

/** An object that names every option and gives none a value. */
type Nothing<Options> = { [Name in keyof Required<Options>]: undefined };

test('each option may be undefined, which is as good as absent', () => {
  expectTypeOf<Nothing<LogOptions>>().toExtend<LogOptions>();
  expectTypeOf<Nothing<OpenLogOptions>>().toExtend<OpenLogOptions>();
  expectTypeOf<Nothing<ReadOptions>>().toExtend<ReadOptions>();
  expectTypeOf<Nothing<TailOptions>>().toExtend<TailOptions>();
  expectTypeOf<Nothing<RunsOptions>>().toExtend<RunsOptions>();
  expectTypeOf<Nothing<VerifyOptions>>().toExtend<VerifyOptions>();
  expectTypeOf<Nothing<DecoderOptions>>().toExtend<DecoderOptions>();
});

test('a signal that may not be there is passed on as it is', () => {
  expectTypeOf(log.read).toBeCallableWith({ signal });
  expectTypeOf(log.tail).toBeCallableWith({ signal });
  expectTypeOf(eventDecoder).toBeCallableWith({ signal });
  expectTypeOf(verifyRun).toBeCallableWith('.', 'a', { signal });
  expectTypeOf(repairRun).toBeCallableWith('.', 'a', { lock: undefined });
});

test('a listing without counts has none', () => {
  const counted = EventLog.runs('.', { status: 'running' });
  expectTypeOf(counted).toEqualTypeOf<AsyncGenerator<RunSummary, undefined>>();
  const outlines = EventLog.runs('.', { counts: false, limit: 1 });
  expectTypeOf(outlines).toEqualTypeOf<AsyncGenerator<RunOutline, undefined>>();
  expectTypeOf<RunOutline>().not.toHaveProperty('nodeCount');
  expectTypeOf<RunSummary>().toExtend<RunOutline>();
});

test('an unknown option does not compile', () => {
  // @ts-expect-error there is no such option
  log.read({ backwards: true });
  // @ts-expect-error a tail has no limit
  log.tail({ limit: 1 });
});
