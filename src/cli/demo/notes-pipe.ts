/**
 * The pipe of the demo: it writes notes, works them off one by one, and fails to publish them.
 *
 * Every command is a real program; the last one fails because the folder it copies into does not exist.
 */
import { spawnSync } from 'node:child_process';
import type { CommandLine } from './child.js';
import type { Pipe } from './executor.js';

/** Writes three notes; `$INPUT_GUEST` is the pipe's input. */
const WRITE_NOTES = `
printf 'TODO %s\\n' "greet $INPUT_GUEST" 'count the words' 'say au revoir à la fin' > notes.txt
cat notes.txt
`;

const COUNT_WORDS = 'wc -w < notes.txt';

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

const NOTHING_LEFT = '! grep -q TODO notes.txt';

const CHECK_NOTES = `
if grep TODO notes.txt >&2; then exit 1; fi
echo "checked $(grep -c DONE notes.txt) notes, all done"
`;

const PUBLISH = `
echo 'publishing the notes'
cp notes.txt published/notes.txt
`;

/** The pipe; its shell is bash where there is one, otherwise sh. */
export function notesPipe(): Pipe {
  const bash = spawnSync('bash', ['-c', ':']).status === 0 ? 'bash' : 'sh';
  const shell = (script: string): CommandLine => [bash, '-c', script];
  const node = (script: string): CommandLine => [process.execPath, '-e', script];
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
