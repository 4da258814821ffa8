/**
 * The types as users compile against them, by the oldest TypeScript that is promised and by the newest: no event is `any`, `types`
 * narrows, and the code blocks of the manual compile as TypeScript.
 */
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { installed } from './support/packages.js';
import { blocks, programs, project } from './support/pages.js';
import { temporaryVolume } from './support/volume.js';

const run = promisify(execFile);
const oldest = join(await installed('typescript@5.4.5'), 'node_modules/typescript/bin/tsc');
const openTelemetry = await installed('@opentelemetry/api@1.9.0'); // of an example
const newest = join(project, 'node_modules/typescript/bin/tsc');
const compilers = [
  { name: 'TypeScript 5.4', tsc: oldest },
  { name: 'the TypeScript of this project', tsc: newest },
];

/** What a user's project has: this package, the types of Node, and the strictest settings. */
async function compile(tsc: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = temporaryVolume();
  await mkdir(join(folder, 'node_modules'));
  await symlink(project, join(folder, 'node_modules/omne-event-log'), 'dir');
  for (const name of ['@types', '@nats-io', 'undici-types'])
    await symlink(join(project, 'node_modules', name), join(folder, 'node_modules', name), 'dir');
  await symlink(
    join(openTelemetry, 'node_modules/@opentelemetry'),
    join(folder, 'node_modules/@opentelemetry'),
    'dir',
  );
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    lib: ['es2023', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    skipLibCheck: true,
    verbatimModuleSyntax: true, // so that Node.js can run a program as it is: types go, and nothing else has to change
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts'] }));
  for (const [name, code] of Object.entries(files)) await writeFile(join(folder, name), code);
  return run(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
}

const CONSUMER = `
import { EventLog, eventDecoder, type NodeFailed, type NodeStarted, type PipeStarted, type RunEvent } from 'omne-event-log';

type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
const is = <A, B>(_: Same<A, B>) => {};

for await (const event of EventLog.read('.', 'r')) is<typeof event, RunEvent>(true);
for await (const event of EventLog.tail('.', 'r')) is<typeof event, RunEvent>(true);
for await (const events of EventLog.read('.', 'r').batches()) is<typeof events, RunEvent[]>(true);
for await (const event of EventLog.read('.', 'r', { types: ['node.failed'] })) is<typeof event, NodeFailed>(true);
for await (const events of EventLog.tail('.', 'r', { types: ['node.failed'] }).batches()) is<typeof events, NodeFailed[]>(true);
for await (const event of eventDecoder({ types: ['node.failed'] }).iterator()) is<typeof event, NodeFailed>(true);
for await (const { runId } of EventLog.runs('.')) is<typeof runId, string>(true);

await using log = await EventLog.create('.', 'x');
const event = await log.append({ type: 'node.started', node_id: 'a', kind: 'bash' });
is<typeof event, NodeStarted>(true);
const both = await log.appendAll([{ type: 'pipe.started', pipe: 'a' }, { type: 'node.started', node_id: 'a', kind: 'bash' }]);
is<typeof both, [PipeStarted, NodeStarted]>(true);
const all = await log.appendAll(['a'].map(node_id => ({ type: 'node.started', node_id, kind: 'bash' })));
is<typeof all, NodeStarted[]>(true);
// @ts-expect-error a field that is missing
log.append({ type: 'node.started', node_id: 'a' });
// @ts-expect-error no event has it
(await log.read().toArray())[0]?.nonsense;
`;

/** The same, where one event is `any`. */
const LOOSE = CONSUMER.replace("EventLog.read('.', 'r')", "EventLog.read('.', 'r') as AsyncIterable<any>");

/** What a piece of TypeScript, a block that imports nothing, is a piece of. */
const PIECE_OF = `import { type EventDraft, EventLog, type ExactDraft } from 'omne-event-log';
declare const log: EventLog;
`;

/** Every block of JavaScript and TypeScript on every page, each as a file of TypeScript. */
function blocksOfTheManual(): Record<string, string> {
  const complete = new Set(programs().map(({ code }) => code));
  const all = [...blocks('js'), ...blocks('ts')];
  return Object.fromEntries(
    all.map(({ page, heading, code }, index) => [
      `${page}-${heading}-${index + 1}`.replaceAll(/\W+/g, '-').concat('.mts'),
      complete.has(code) ? code : PIECE_OF + code,
    ]),
  );
}

describe.each(compilers)('$name', ({ tsc }) => {
  const manual = blocksOfTheManual();
  let compiling: Promise<string> | undefined;
  /** What the compiler says of all at once: it takes most of its time for what they import. */
  async function complaints(): Promise<string[]> {
    compiling ??= compile(tsc, { ...manual, 'consumer.mts': CONSUMER, 'loose.mts': LOOSE });
    return (await compiling).split('\n').filter(line => /^\S/.test(line)); // a line that goes on is indented
  }
  const isAbout = (file: string) => (line: string) => line.startsWith(`${file}(`);

  test('takes every code block of the manual, as strict as it can be', async () => {
    expect(Object.keys(manual).length).toBeGreaterThan(20);
    expect((await complaints()).filter(line => !/^(consumer|loose)\.mts\(/.test(line))).toEqual([]);
  });

  test('gives the program of a user typed events, narrowed by what it asks for', async () => {
    expect((await complaints()).filter(isAbout('consumer.mts'))).toEqual([]);
  });

  test('would not take that program if an event were any', async () => {
    expect((await complaints()).filter(isAbout('loose.mts'))).toEqual([expect.stringContaining('TS2345')]);
  });
});
