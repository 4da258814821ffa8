/** The SQL on the page about runs, run by DuckDB on a volume. */
import { appendFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { ABORTED, COMPLETED, UNFINISHED, writeRun } from '../support/cli-runs.js';
import { textOf } from '../support/pages.js';
import { temporaryVolume } from '../support/volume.js';

const QUERIES = [...textOf('src/run/README.md').matchAll(/^```sql\n(.*?)^```$/gms)].map(
  ([, sql = '']) => sql,
);

async function query(sql: string | undefined, root: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const placed = (sql ?? '').replace("'.omne/", `'${root}/.omne/`);
    return (await connection.runAndReadAll(placed)).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function volume(): string {
  const root = temporaryVolume();
  const start = Date.parse('2026-04-15T12:00:00.000Z');
  const week = 7 * 24 * 3_600_000;
  writeRun(root, 'nightly-build', COMPLETED, { start });
  writeRun(root, 'nightly-build', ABORTED, { start: start + week });
  writeRun(root, 'nightly-build', COMPLETED, { start: start + week + 1000 });
  const { path } = writeRun(root, 'feature', UNFINISHED, { start: start + week });
  appendFileSync(path, '{"type":"node.st'); // a line that is being written
  return root;
}

test('finds the slowest nodes and how they fail', async () => {
  const rows = await query(QUERIES[0], volume());
  expect(rows[0]).toMatchObject({
    pipe: 'nightly-build',
    node_id: 'fix-loop',
    attempts: '3',
    median_ms: 94_400,
  });
  expect(rows).toContainEqual({
    pipe: 'nightly-build',
    node_id: 'publish',
    attempts: '3',
    median_ms: 15_400,
    failed: '1',
    mostly: 'crash',
  });
  expect(rows).toContainEqual(expect.objectContaining({ pipe: 'feature', node_id: '実装する', failed: '1' }));
});

test('counts aborted runs by week', async () => {
  expect(await query(QUERIES[1], volume())).toEqual([
    { week: '2026-04-20', pipe: 'nightly-build', runs: '2', aborted_percent: 50 },
    { week: '2026-04-13', pipe: 'nightly-build', runs: '1', aborted_percent: 0 },
  ]);
});
