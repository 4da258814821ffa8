/** What a person sets once and finds again: kept by the browser, and nowhere else. */
import { effect, type Signal, signal } from '@preact/signals-core';

/** A setting that is one of a few words. */
export function stored<Word extends string>(name: string, usual: Word, words: readonly Word[]): Signal<Word> {
  const setting = signal(words.find(word => word === read(name)) ?? usual);
  effect(() => write(name, setting.value));
  return setting;
}

/** Keys without a modifier can be switched off: people who speak to their computer type letters by accident. */
export const singleKeys: Signal<'on' | 'off'> = stored('keys', 'on', ['on', 'off']);

function read(name: string): string | null {
  try {
    return localStorage.getItem(`omne-log.${name}`);
  } catch {
    return null; // a browser may refuse to keep anything
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(`omne-log.${name}`, value);
  } catch {
    // it holds for this page then
  }
}
