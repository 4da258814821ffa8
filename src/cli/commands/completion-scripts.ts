/**
 * The completion scripts of the shells, made of the table of commands.
 *
 * Promise: help texts and choices are quoted for the shell they go to.
 */
import type { CommandFacts, Option } from '../command.js';
import { SUMMARIES } from '../summaries.js';
import { powershellScript } from './completion-powershell.js';

/** What can follow `omne-log completion`. */
export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

/** Prints the runs there are, also where there is no volume. */
const RUNS = 'omne-log completion runs 2>/dev/null';

/** Prints the types of events there are, for the word that is where a run would be. */
const typesFor = (word: string) => `omne-log completion types -- ${word} 2>/dev/null`;

/** What the first operand of a command is completed with, where it is known beforehand. */
const OPERANDS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['SHELL', SHELLS],
  ['COMMAND', Object.keys(SUMMARIES)],
]);

/** The script for one shell. */
export function completionScript(shell: (typeof SHELLS)[number], commands: readonly CommandFacts[]): string {
  switch (shell) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      return zshScript(commands);
    case 'fish':
      return fishScript(commands);
    case 'powershell':
      return powershellScript(commands, new Map([['RUN', ['last', 'RUN']], ...OPERANDS]));
  }
}

function bashScript(commands: readonly CommandFacts[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const values = commands.flatMap(({ name, options }) =>
    Object.entries(options).flatMap(([long, option]) => {
      if (option.value === undefined) return [];
      const patterns = flagsOf(long, option).map(flag => `'${name} ${flag}'`);
      return [`    ${patterns.join(' | ')}) ${bashValue(option)} ;;`];
    }),
  );
  const cases = commands.map(({ name, options, operands }) => {
    const flags = Object.entries(options).flatMap(([long, option]) => flagsOf(long, option));
    const first = firstOperand(operands);
    const operand = first === 'RUN' ? `last $(${RUNS})` : (OPERANDS.get(first) ?? []).join(' ');
    return `    ${name}) flags='${flags.join(' ')}'; [[ $cur == -* ]] || operands="${operand}" ;;`;
  });
  return `# Completes omne-log in bash: source <(omne-log completion bash)
_omne_log() {
  local cur=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} run=\${COMP_WORDS[2]} flags='' operands='' words=''
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${names} --help --version' -- "$cur"))
    return
  fi
  case "$command \${COMP_WORDS[COMP_CWORD-1]}" in
${values.join('\n')}
  esac
  case $command in
${cases.join('\n')}
  esac
  if [[ $cur == -* ]]; then words=$flags; elif ((COMP_CWORD == 2)); then words=$operands; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _omne_log omne-log`;
}

function bashValue({ value, choices, completion }: Option): string {
  if (completion === 'types') return `COMPREPLY=($(compgen -W "$(${typesFor('"$run"')})" -- "$cur")); return`;
  if (choices !== undefined) return `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$cur")); return`;
  const flag = value === 'DIR' ? '-d' : value === 'FILE' ? '-f' : undefined;
  return flag === undefined
    ? 'return'
    : `compopt -o filenames; COMPREPLY=($(compgen ${flag} -- "$cur")); return`;
}

function zshScript(commands: readonly CommandFacts[]): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = commands.map(({ name, options, operands }) => {
    const specs = Object.entries(options).map(([long, option]) => zshOption(long, option));
    const operand = operands.map((each, index) => {
      const bare = each.replace(/[[\]]/g, '');
      const known = OPERANDS.get(bare);
      const action = bare === 'RUN' ? '_omne_log_runs' : known === undefined ? ' ' : `(${known.join(' ')})`;
      return quoted(`${index + 1}:${bare}:${action}`);
    });
    return `    ${name}) _arguments ${[...specs, ...operand].join(' ')} ;;`;
  });
  return `#compdef omne-log
# Completes omne-log in zsh: source <(omne-log completion zsh), after compinit
_omne_log_runs() {
  local -a runs=(last \${(f)"$(${RUNS})"})
  compadd -V runs -a runs
}
_omne_log_types() {
  local -a types=(\${(f)"$(${typesFor('"$words[2]"')})"})
  compadd -a types
}
_omne_log() {
  local -a commands=(
${described.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${cases.join('\n')}
  esac
}
if (($+functions[compdef])); then compdef _omne_log omne-log; fi`;
}

function zshOption(long: string, option: Option): string {
  const { value, choices, completion, help, multiple } = option;
  const action =
    completion === 'types'
      ? '_omne_log_types'
      : choices !== undefined
        ? `(${choices.join(' ')})`
        : value === 'DIR'
          ? '_files -/'
          : value === 'FILE'
            ? '_files'
            : ' ';
  const rest = `[${help.replace(/[[\]\\:]/g, '\\$&')}]${value === undefined ? '' : `:${value}:${action}`}`;
  const flags = flagsOf(long, option);
  const prefix = multiple === true ? '*' : flags.length > 1 ? `(${flags.join(' ')})` : '';
  return flags.map(flag => quoted(`${prefix}${flag}${rest}`)).join(' ');
}

function fishScript(commands: readonly CommandFacts[]): string {
  const lines = commands.flatMap(({ name, summary, options, operands }) => {
    const within = `complete -c omne-log -n '__fish_seen_subcommand_from ${name}'`;
    const first = firstOperand(operands);
    const offered = first === 'RUN' ? `last (${RUNS})` : OPERANDS.get(first)?.join(' ');
    return [
      `complete -c omne-log -n __fish_use_subcommand -a ${name} -d ${fishQuoted(summary)}`,
      ...Object.entries(options).map(([long, option]) => `${within}${fishOption(long, option)}`),
      ...(offered === undefined ? [] : [`${within} -k -a ${fishQuoted(offered)}`]),
    ];
  });
  return `# Completes omne-log in fish: omne-log completion fish > ~/.config/fish/completions/omne-log.fish
complete -c omne-log -f
complete -c omne-log -n __fish_use_subcommand -l help -d 'Show the commands.'
complete -c omne-log -n __fish_use_subcommand -l version -d 'Show the version.'
${lines.join('\n')}`;
}

function fishOption(long: string, { short, value, choices, completion, help }: Option): string {
  const argument =
    completion === 'types'
      ? ` -x -a ${fishQuoted(`(${typesFor('(commandline -opc)[3]')})`)}`
      : choices !== undefined
        ? ` -x -a ${fishQuoted(choices.join(' '))}`
        : value === 'DIR'
          ? " -x -a '(__fish_complete_directories)'"
          : value === 'FILE'
            ? ' -r -F'
            : value === undefined
              ? ''
              : ' -x';
  return `${short === undefined ? '' : ` -s ${short}`} -l ${long}${argument} -d ${fishQuoted(help)}`;
}

function flagsOf(long: string, { short }: Option): string[] {
  return short === undefined ? [`--${long}`] : [`-${short}`, `--${long}`];
}

function firstOperand([first = '']: readonly string[]): string {
  return first.replace(/[[\]]/g, '');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
