/**
 * `omne-log completion`: a script that lets a shell complete `omne-log`.
 *
 * Promise: the scripts are made of the table of commands, so they never know less than the command itself. Runs are
 * completed by asking the command, which reads the names of folders and no log; types of events likewise, of which it reads the
 * vocabularies that runs carry.
 */
import { runIdsOf } from '../../volume/run-folders.js';
import { type Command, type CommandFacts, defineCommand, EXIT, UsageError } from '../command.js';
import { ROOT_OPTION, whichRoot } from '../pick-run.js';
import { print } from '../screen/terminal.js';
import { completionScript, SHELLS } from './completion-scripts.js';

/** `omne-log help COMMAND`, which is in no table: it is another word for `--help`. */
const HELP: CommandFacts = {
  name: 'help',
  summary: 'List the options of a command, with an example.',
  operands: ['[COMMAND]'],
  options: {},
};

/** How many runs are looked at for their types. */
const NEWEST_RUNS = 20;

/** The command `completion`; `load` gives all commands, which only a script needs. */
export function completionOf(load: () => Promise<readonly Command[]>): Command {
  return defineCommand({
    name: 'completion',
    example: 'source <(omne-log completion bash)',
    operands: ['SHELL', '[RUN]'],
    options: { root: ROOT_OPTION },
    notes: [
      'bash: add to ~/.bashrc   source <(omne-log completion bash)',
      'zsh:  add to ~/.zshrc    source <(omne-log completion zsh)    # after compinit',
      'fish: run once           omne-log completion fish > ~/.config/fish/completions/omne-log.fish',
      'PowerShell: add to $PROFILE   omne-log completion powershell | Out-String | Invoke-Expression',
      "The scripts ask 'omne-log completion runs', which prints the run ids of a volume, newest first,",
      "and 'omne-log completion types RUN', which prints the types of its events; without RUN, of the newest runs.",
    ].join('\n'),
    async run({ values, positionals: [given = '', run] }) {
      if (given === 'runs') {
        const runIds = (await runIdsOf(await whichRoot(values.root))).reverse();
        if (runIds.length > 0) await print(runIds.join('\n'));
        return EXIT.ok;
      }
      if (given === 'types') {
        await print((await typesOf(values.root, run)).join('\n'));
        return EXIT.ok;
      }
      if (run !== undefined) throw new UsageError(`unexpected argument '${run}'`);
      const shell = SHELLS.find(name => name === given);
      if (shell === undefined) throw new UsageError(`SHELL is one of ${SHELLS.join(', ')}, not '${given}'`);
      await print(completionScript(shell, [...(await load()), HELP]));
      return EXIT.ok;
    },
  });
}

/** The types of the events of a run, or where none is named, of the newest runs; the built-in ones where no run says more. */
async function typesOf(root: string | undefined, run = ''): Promise<readonly string[]> {
  const { EVENT_TYPES } = await import('../../format/events.js');
  try {
    const { volumeSource } = await import('../run-source.js');
    const folder = await whichRoot(root);
    const source = volumeSource(folder);
    const named = run !== '' && !run.startsWith('-'); // a shell asks with whatever is at that place of the line
    const runIds = named ? [await source.which(run)] : (await runIdsOf(folder)).slice(-NEWEST_RUNS);
    const looked = await Promise.allSettled(runIds.map(source.vocabulary));
    const types = looked.flatMap(each => (each.status === 'fulfilled' ? each.value.types : []));
    return types.length === 0 ? EVENT_TYPES : [...new Set(types)];
  } catch {
    return EVENT_TYPES; // nobody reads an error at the end of a line that is being typed
  }
}
