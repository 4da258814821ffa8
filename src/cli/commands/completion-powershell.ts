/**
 * The completion script of PowerShell, made of the table of commands.
 *
 * Promise: nothing of a help text or choice is run: all texts are quoted. What is completed with files and folders is left to the shell.
 */
import type { CommandFacts, Option } from '../command.js';

/** The script; `operands` is what the first operand of a command is completed with, `RUN` is asked of the command itself. */
export function powershellScript(
  commands: readonly CommandFacts[],
  operands: ReadonlyMap<string, readonly string[]>,
): string {
  const names = [...commands.map(({ name }) => name), '--help', '--version'];
  const flags = commands.map(({ name, options }) => {
    const all = Object.entries(options).flatMap(([long, { short }]) =>
      short === undefined ? [`--${long}`] : [`-${short}`, `--${long}`],
    );
    return `    ${quoted(name)} = ${listOf(all)}`;
  });
  const choices = commands.flatMap(({ name, options }) =>
    Object.entries(options).flatMap(([long, option]) => choicesOf(`${name} --${long}`, option)),
  );
  const firsts = commands.flatMap(({ name, operands: [first = ''] }) => {
    const words = operands.get(first.replace(/[[\]]/g, ''));
    return words === undefined ? [] : [`    ${quoted(name)} = ${listOf(words)}`];
  });
  return `# Completes omne-log in PowerShell: omne-log completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName omne-log -ScriptBlock {
  param($word, $ast, $cursor)
  $flags = @{
${flags.join('\n')}
  }
  $choices = @{
${choices.join('\n')}
  }
  $firsts = @{
${firsts.join('\n')}
  }
  $words = @($ast.CommandElements | ForEach-Object { $_.ToString() })
  $at = if ($word -eq '') { $words.Count } else { $words.Count - 1 }
  $command = if ($at -gt 1) { $words[1] } else { '' }
  $chosen = $choices["$command $($words[$at - 1])"]
  $found = if ($at -le 1) { ${listOf(names)} }
    elseif ($chosen -eq 'TYPES') { omne-log completion types -- "$($words[2])" 2>$null }
    elseif ($chosen) { $chosen }
    elseif ($word.StartsWith('-')) { $flags[$command] }
    elseif ($at -eq 2) { $firsts[$command] | ForEach-Object { if ($_ -eq 'RUN') { omne-log completion runs 2>$null } else { $_ } } }
  $found | Where-Object { $_ -and $_.StartsWith($word) } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}`;
}

function choicesOf(flag: string, { choices, completion }: Option): string[] {
  const words = completion === undefined ? choices : [completion.toUpperCase()]; // which the command itself is asked for
  return words === undefined ? [] : [`    ${quoted(flag)} = ${listOf(words)}`];
}

function listOf(words: readonly string[]): string {
  return `@(${words.map(quoted).join(', ')})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
