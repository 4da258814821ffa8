/**
 * Listening to abort signals.
 *
 * Promise: however many streams and appends share a signal, it carries one listener of this library, and none once they are done. Node
 * takes more than ten listeners on one signal for a leak, and warns.
 */

/** All who listen to one signal, and the one listener that calls them. */
interface Audience {
  readonly members: Set<() => void>;
  readonly notify: () => void;
}

const audiences = new WeakMap<AbortSignal, Audience>();

/** Calls `listener`, which must not throw, when the signal is aborted; returns how to stop listening. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const { members, notify } = audiences.get(signal) ?? gather(signal);
  const member = () => listener(); // a function may listen twice
  members.add(member);
  return () => {
    if (!members.delete(member) || members.size > 0) return;
    signal.removeEventListener('abort', notify);
    audiences.delete(signal);
  };
}

function gather(signal: AbortSignal): Audience {
  const members = new Set<() => void>();
  const notify = () => {
    for (const member of members) member();
  };
  signal.addEventListener('abort', notify);
  const audience = { members, notify };
  audiences.set(signal, audience);
  return audience;
}
