/**
 * Keys without a modifier, for whoever works without a mouse. They can be switched off (in the help), and do nothing while
 * something is typed.
 */
import { useEffect } from 'preact/hooks';
import { singleKeys } from './settings.js';

/** What a key does. */
export type Keys = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/** Every key and what it does, for the help. */
export const KEY_HELP: readonly (readonly [string, string])[] = [
  ['?', 'this help'],
  ['/', 'find: runs in the list, text in an output'],
  ['j k', 'next and previous node'],
  ['Enter', 'open or close the iterations of a node'],
  ['e', 'next failure'],
  ['f', 'follow the output, or stop following'],
  ['g G', 'start and end of what is shown'],
  ['+ - 0', 'zoom the time axis in, out, and back to all'],
  ['[ ]', 'move along a zoomed time axis'],
  ['i', 'fold idle gaps of the time axis, or unfold them'],
  ['t', 'times in UTC or local'],
  ['u', 'back to the list of runs'],
];

/** Lets keys act as long as the component is there. */
export function useKeys(keys: Keys): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (
        singleKeys.value === 'off' ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        event.defaultPrevented
      )
        return;
      const { target } = event;
      if (target instanceof HTMLElement && target.closest('input, select, textarea, dialog[open]') !== null)
        return;
      const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
      if (act === undefined) return;
      event.preventDefault();
      act(event);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
}
