/** What a large vocabulary costs the compiler: counted in instantiations, which do not depend on the machine. */
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { fullStrength } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const run = promisify(execFile);
const project = fileURLToPath(new URL('../..', import.meta.url));
const TYPES = fullStrength ? 100 : 20;
const FIELDS = 20;
/** A hundred types take about what one quick second does: 297,000 were counted when this was written, and 0.8 s on a quiet machine. */
const MOST_INSTANTIATIONS = 4_000 * TYPES;

/** A program with a vocabulary of so many types of twenty fields, which appends, reads and narrows. */
function program(): string {
  const kinds = ['string()', 'integer()', 'boolean().optional()', "enum('a', 'b')", 'list(field.string())'];
  const fields = Array.from(
    { length: FIELDS },
    (_, index) => `f${index}: field.${kinds[index % kinds.length]}`,
  );
  const types = Array.from({ length: TYPES }, (_, index) => `  't${index}': { ${fields.join(', ')} },`);
  const values = Array.from(
    { length: FIELDS },
    (_, index) => `f${index}: ${["'x'", '1', 'true', "'a'", "['x']"][index % 5]}`,
  );
  return `import { defineEvents, EventLog, field } from 'omne-event-log';
const events = defineEvents({
${types.join('\n')}
}, { terminal: ['t0'] });
const log = await EventLog.create('.', 'p', { events });
await log.append({ type: 't7', ${values.join(', ')} });
await log.appendAll([{ type: 't8', ${values.join(', ')} }, { type: 't9', ${values.join(', ')} }]);
for await (const event of log.read({ types: ['t3', 't4'] })) {
  const text: string = event.f0;
  if (event.type === 't3') console.log(text, event.f1);
}
`;
}

test(`a vocabulary of ${TYPES} types of ${FIELDS} fields is checked with few instantiations, appended to, read and narrowed`, async () => {
  const folder = temporaryVolume();
  await mkdir(join(folder, 'node_modules'));
  await symlink(project, join(folder, 'node_modules/omne-event-log'), 'dir');
  for (const name of ['@types', 'undici-types'])
    await symlink(join(project, 'node_modules', name), join(folder, 'node_modules', name), 'dir');
  const compilerOptions = {
    ...{ target: 'es2022', module: 'nodenext', lib: ['es2023', 'esnext.disposable'], types: ['node'] },
    ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true },
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts'] }));
  await writeFile(join(folder, 'program.mts'), program());
  const tsc = join(project, 'node_modules/typescript/bin/tsc');
  const { stdout } = await run(
    process.execPath,
    [tsc, '-p', folder, '--extendedDiagnostics', '--pretty', 'false'],
    {
      cwd: folder,
    },
  );
  const instantiations = Number(/^Instantiations:\s+(\d+)/m.exec(stdout)?.[1]);
  expect(instantiations).toBeGreaterThan(10_000);
  expect(instantiations).toBeLessThan(MOST_INSTANTIATIONS);
}, 60_000);
