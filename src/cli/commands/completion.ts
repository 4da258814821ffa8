/**
 * `omne-log completion`: a script that lets a shell complete `omne-log`.
 *
 * Promise: the scripts are made of the table of commands, so they never know less than the command itself. Runs are
 * completed by asking the command, which reads the names of folders and no log.
 */
import { runIdsOf } from '../../volume/run-folders.js';
import { type Command, defineCommand, EXIT, UsageError } from '../command.js';
import { ROOT_OPTION, whichRoot } from '../pick-run.js';
import { print } from '../screen/terminal.js';
import { completionScript, SHELLS } from './completion-scripts.js';

/** The command `completion`; `load` gives all commands, which only a script needs. */
export function completionOf(load: () => Promise<readonly Command[]>): Command {
  return defineCommand({
    name: 'completion',
    example: 'source <(omne-log completion bash)',
    operands: ['SHELL'],
    options: { root: ROOT_OPTION },
    notes: [
      'bash: add to ~/.bashrc   source <(omne-log completion bash)',
      'zsh:  add to ~/.zshrc    source <(omne-log completion zsh)    # after compinit',
      'fish: run once           omne-log completion fish > ~/.config/fish/completions/omne-log.fish',
      'PowerShell: add to $PROFILE   omne-log completion powershell | Out-String | Invoke-Expression',
      "The scripts ask 'omne-log completion runs', which prints the run ids of a volume, newest first.",
    ].join('\n'),
    async run({ values, positionals: [given = ''] }) {
      if (given === 'runs') {
        const runIds = (await runIdsOf(await whichRoot(values.root))).reverse();
        if (runIds.length > 0) await print(runIds.join('\n'));
        return EXIT.ok;
      }
      const shell = SHELLS.find(name => name === given);
      if (shell === undefined) throw new UsageError(`SHELL is one of ${SHELLS.join(', ')}, not '${given}'`);
      await print(completionScript(shell, await load()));
      return EXIT.ok;
    },
  });
}
