/**
 * Every command, loaded when it is called.
 *
 * Promise: a command loads its own module and what that needs, and no other command's; a test holds each to a list.
 */
import type { Command } from '../command.js';
import { type CommandName, SUMMARIES } from '../summaries.js';

const COMMANDS: Readonly<Record<CommandName, () => Promise<Command>>> = {
  ls: async () => (await import('./ls.js')).ls,
  show: async () => (await import('./show.js')).show,
  cat: async () => (await import('./cat.js')).cat,
  tail: async () => (await import('./tail.js')).tail,
  text: async () => (await import('./text.js')).text,
  stats: async () => (await import('./stats.js')).stats,
  verify: async () => (await import('./verify.js')).verify,
  repair: async () => (await import('./repair.js')).repair,
  prune: async () => (await import('./prune.js')).prune,
  timeline: async () => (await import('./timeline.js')).timeline,
  serve: async () => (await import('./serve.js')).serve,
  mcp: async () => (await import('./mcp.js')).mcp,
  mirror: async () => (await import('./mirror.js')).mirror,
  demo: async () => (await import('./demo.js')).demo,
  completion: async () => (await import('./completion.js')).completionOf(allCommands),
};

/** Loads a command; undefined where there is none of this name. */
export async function loadCommand(name: string): Promise<Command | undefined> {
  return isName(name) ? COMMANDS[name]() : undefined;
}

/** Loads all of them, in the order of the help. */
function allCommands(): Promise<Command[]> {
  return Promise.all(Object.values(COMMANDS).map(load => load()));
}

function isName(name: string): name is CommandName {
  return Object.hasOwn(SUMMARIES, name);
}
