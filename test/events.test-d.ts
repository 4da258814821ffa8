import { expectTypeOf, test } from 'vitest';
import type { EventLog, NodeStarted } from '../src/index.js';

declare const log: EventLog;

test('append resolves to the event of the draft type', () => {
  expectTypeOf(
    log.append({ type: 'node.started', node_id: 'a', kind: 'bash' }),
  ).resolves.toEqualTypeOf<NodeStarted>();
});

test('unknown fields do not compile', () => {
  // @ts-expect-error unknown
  log.append({ type: 'pipe.completed', extra: 1 });
  // @ts-expect-error nested unknown
  log.append({ type: 'node.failed', node_id: 'a', error: { kind: 'crash', extra: 1 } });
  // @ts-expect-error missing
  log.append({ type: 'node.started', node_id: 'a' });
});
