// @ts-check
/** The report as a table for the terminal, its problems below. */

const HEADS = [
  'method',
  'fs',
  'cuts',
  'checks',
  'runs',
  'acknowledged',
  'lost',
  'mirrored',
  'pruned',
  'torn',
  'writes lost',
  'problems',
  's',
];

/**
 * @param {import('./result.mjs').Report} report
 * @returns {string}
 */
export function asText({ control, seconds, results }) {
  const rows = results.map(result =>
    [
      result.method,
      result.fs,
      result.cuts,
      result.checks,
      result.runs,
      result.acknowledged,
      result.lost,
      result.mirrored,
      result.pruned,
      result.torn,
      result.method === 'write-log' ? result.writesLost : '-',
      result.problemCount,
      result.seconds.toFixed(0),
    ].map(String),
  );
  const widths = HEADS.map((head, column) =>
    Math.max(head.length, ...rows.map(row => row[column]?.length ?? 0)),
  );
  const lines = [HEADS, ...rows].map(row =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
  const title = control ? 'The control, which acknowledges without a sync and must lose' : 'Power cuts';
  const problems = results.flatMap(({ problems }) => problems.map(problem => `  ${problem}`));
  return [
    `${title}; ${seconds.toFixed(0)} s in all.`,
    '',
    ...lines,
    ...(problems.length > 0 ? ['', ...problems] : []),
  ].join('\n');
}
