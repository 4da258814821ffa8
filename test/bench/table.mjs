// @ts-check
/** The results of a suite as a table, for the terminal or in Markdown. */

/** @typedef {import('./harness.mjs').SuiteResult} SuiteResult */

/** How a figure and its limits are written: lower or higher is better, a multiple of the baseline, milliseconds, or an amount. */
const STYLES = /** @type {const} */ ({
  time: { limit: '<= ', unit: ' x time' },
  rate: { limit: '>= ', unit: ' x rate' },
  alone: { limit: '<= ', unit: ' ms' },
  amount: { limit: '<= ', unit: ' ' },
});

/**
 * @param {SuiteResult} result
 * @returns {{ heads: string[], groups: { heading: string, rows: string[][] }[] }}
 */
function cellsOf({ operation, baseline, rows }) {
  const keys = noteKeys(rows);
  const heads = [
    '',
    `us/${operation}`,
    `${operation}s/s`,
    `against the ${baseline.name}`,
    'lowest..highest',
    'must',
    'aim',
  ];
  /** @type {{ heading: string, rows: string[][] }[]} */
  const groups = [];
  for (const row of rows) {
    const { limit, unit } = STYLES[row.compare];
    const isTime = row.compare !== 'amount';
    /** @type {(value: number | undefined, reached: boolean | undefined, mark: string) => string} */
    const limited = (value, reached, mark) =>
      value === undefined ? '' : `${limit}${value} ${reached ? 'reached' : mark}`;
    const cells = [
      row.note === undefined ? row.name : `${row.name} [${keys.indexOf(row.note) + 1}]`,
      isTime ? rounded(row.microseconds) : '',
      isTime ? Math.round(1e6 / row.microseconds).toLocaleString('en') : '',
      rounded(row.figure) + unit + (row.unit ?? ''),
      `${rounded(row.lowest)}..${rounded(row.highest)}`,
      limited(row.must, row.mustReached, 'MISSED'),
      limited(row.aim, row.aimReached, 'not yet'),
    ];
    if (groups.at(-1)?.heading !== row.heading) groups.push({ heading: row.heading, rows: [] });
    groups.at(-1)?.rows.push(cells);
  }
  return { heads, groups };
}

/** The columns of names and limits; between them stand numbers. @param {number} column */
function isText(column) {
  return column === 0 || column > 4;
}

/** @param {number} value */
function rounded(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/**
 * The footnotes that rows refer to, in the order in which the rows do; each begins with its number.
 * @param {SuiteResult} result
 */
function footnotes({ rows, notes }) {
  return noteKeys(rows).map((key, index) => `[${index + 1}] ${notes[key]}`);
}

/** @param {SuiteResult['rows']} rows */
function noteKeys(rows) {
  return [...new Set(rows.flatMap(({ note }) => note ?? []))];
}

/** @param {SuiteResult} result */
function headline({ title, operation, baseline }) {
  return `${title}. The ${baseline.name}, ${baseline.what}, takes ${rounded(baseline.microseconds)} us/${operation}.`;
}

/**
 * The table as aligned text.
 * @param {SuiteResult} result
 */
export function asText(result) {
  const { heads, groups } = cellsOf(result);
  const lines = groups.flatMap(({ heading, rows }) => [
    [heading],
    ...rows.map(([name, ...cells]) => [`  ${name}`, ...cells]),
  ]);
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...lines.map(cells => cells[column]?.length ?? 0)),
  );
  /** @type {(cells: string[]) => string} */
  const line = cells =>
    cells
      .map((cell, column) =>
        isText(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [headline(result), '', ...[heads, ...lines].map(line), '', ...footnotes(result)].join('\n');
}

/**
 * The table as Markdown.
 * @param {SuiteResult} result
 */
export function asMarkdown(result) {
  const { heads, groups } = cellsOf(result);
  /** @param {string[]} cells */
  const line = cells => `| ${cells.join(' | ')} |`;
  return [
    headline(result),
    '',
    line(heads),
    line(heads.map((_, column) => (isText(column) ? '---' : '---:'))),
    ...groups.flatMap(({ heading, rows }) => [
      line([`**${heading}**`, ...heads.slice(1).map(() => '')]),
      ...rows.map(line),
    ]),
    '',
    ...footnotes(result).map(note => `${note}\n`),
  ].join('\n');
}
