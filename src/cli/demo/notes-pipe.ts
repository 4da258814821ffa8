/**
 * The pipe of the demo: it writes notes, works them off one by one, and fails to publish them.
 *
 * Every command is a real program; the last one fails because the folder it copies into does not exist. Where there is no shell, as
 * on Windows, the nodes are Node programs that do the same.
 */
import { spawnSync } from 'node:child_process';
import type { CommandLine } from './child.js';
import type { Pipe } from './executor.js';

/** What a node does, for a shell and for Node. */
interface Script {
  readonly shell: string;
  readonly node: string;
}

/** Writes three notes; `$INPUT_GUEST` is the pipe's input. */
const WRITE_NOTES: Script = {
  shell: `
printf 'TODO %s\\n' "greet $INPUT_GUEST" 'count the words' 'say au revoir à la fin' > notes.txt
cat notes.txt
`,
  node: `
const { writeFileSync } = require('node:fs');
const notes = ['greet ' + process.env.INPUT_GUEST, 'count the words', 'say au revoir à la fin'];
const text = notes.map(note => 'TODO ' + note + '\\n').join('');
writeFileSync('notes.txt', text);
process.stdout.write(text);
`,
};

const COUNT_WORDS: Script = {
  shell: 'wc -w < notes.txt',
  node: `console.log(require('node:fs').readFileSync('notes.txt', 'utf8').trim().split(/\\s+/).length);`,
};

const CHECKSUM = `
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
console.log(createHash('sha256').update(readFileSync('notes.txt')).digest('hex'));
`;

/** Works off the first note that is left; none is where an attempt before was interrupted after the last one. */
const DO_NEXT_NOTE = `
const { readFileSync, writeFileSync } = require('node:fs');
const notes = readFileSync('notes.txt', 'utf8');
writeFileSync('notes.txt', notes.replace('TODO', 'DONE'));
const [, note = 'nothing to do'] = notes.match(/TODO (.*)/) ?? [];
console.log('✓ ' + note);
console.log(Math.max(0, notes.split('TODO').length - 2) + ' left');
`;

const NOTHING_LEFT: Script = {
  shell: '! grep -q TODO notes.txt',
  node: `process.exit(require('node:fs').readFileSync('notes.txt', 'utf8').includes('TODO') ? 1 : 0);`,
};

const CHECK_NOTES: Script = {
  shell: `
if grep TODO notes.txt >&2; then exit 1; fi
echo "checked $(grep -c DONE notes.txt) notes, all done"
`,
  node: `
const notes = require('node:fs').readFileSync('notes.txt', 'utf8').trim().split('\\n');
const left = notes.filter(note => note.includes('TODO'));
if (left.length === 0) console.log('checked ' + notes.length + ' notes, all done');
else console.error(left.join('\\n'));
process.exitCode = left.length === 0 ? 0 : 1;
`,
};

const PUBLISH: Script = {
  shell: `
echo 'publishing the notes'
cp notes.txt published/notes.txt
`,
  node: `
console.log('publishing the notes');
try {
  require('node:fs').copyFileSync('notes.txt', 'published/notes.txt');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
`,
};

/** The pipe; its shell is bash where there is one, otherwise sh, otherwise Node. */
export function notesPipe(): Pipe {
  const found = ['bash', 'sh'].find(name => spawnSync(name, ['-c', ':']).status === 0);
  const node = (script: string): CommandLine => [process.execPath, '-e', script];
  const shell = (script: Script): CommandLine =>
    found === undefined ? node(script.node) : [found, '-c', script.shell];
  return {
    name: 'notes',
    inputs: [{ key: 'guest', value: 'Zoë' }],
    steps: [
      [{ id: 'write', kind: 'bash', command: shell(WRITE_NOTES) }],
      [
        { id: 'count', kind: 'bash', command: shell(COUNT_WORDS) },
        { id: 'checksum', kind: 'command', command: node(CHECKSUM) },
      ],
      [
        {
          id: 'work-off',
          kind: 'loop',
          command: node(DO_NEXT_NOTE),
          until: shell(NOTHING_LEFT),
          maxIterations: 5,
          gate: { name: 'all-done', hook: shell(CHECK_NOTES) },
        },
      ],
      [{ id: 'publish', kind: 'bash', command: shell(PUBLISH) }],
    ],
  };
}
