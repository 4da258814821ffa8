/** The names of the commands and what each is for: all that is known of a command before it is loaded. */

/** A sentence for each command, in the order of the help. */
export const SUMMARIES = {
  ls: 'List runs, newest first.',
  show: 'Show what happened in a run: its nodes, gates, iterations and failures.',
  cat: 'Print the events of a run, one line each.',
  tail: 'Follow a run, an event per line, from its first event to its last.',
  text: 'Print what a node printed, or one iteration of it.',
  stats: 'Figures over many runs: how they ended, how long nodes take, what fails.',
  verify: 'Check every line of a log, or of all; exit with 1 when something is wrong.',
  repair: 'Repair the torn tail of a log; the bytes cut are kept beside it.',
  prune: 'Remove old runs that have ended.',
  timeline: 'Draw a run as a timeline, in one HTML page.',
  serve: 'Watch runs in a browser, live.',
  mcp: 'Let an agent read runs: a server for the Model Context Protocol on stdin and stdout.',
  mirror: 'Copy a run, or all as they appear, to a NATS server while they are written.',
  demo: 'Run a pipe of real child processes, log it, and replay it in a second process.',
  completion: 'Print a script that completes omne-log in bash, zsh, fish or PowerShell.',
} as const;

/** The name of a command. */
export type CommandName = keyof typeof SUMMARIES;
