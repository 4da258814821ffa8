/** The help: what each key does, and whether keys act at all. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { KEY_HELP } from './keys.js';
import { Button } from './parts.js';
import { singleKeys } from './settings.js';

/** A dialog; `close` is called when it was closed. */
export function Help({ close }: { close(): void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={close}>
      <h2 id="help-title">Keys</h2>
      <dl>
        {KEY_HELP.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map(one => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p>
        <label>
          <input
            type="checkbox"
            checked={singleKeys.value === 'on'}
            onChange={() => (singleKeys.value = singleKeys.value === 'on' ? 'off' : 'on')}
          />{' '}
          Single keys act
        </label>
      </p>
      <Button onClick={() => dialog.current?.close()}>Close</Button>
    </dialog>
  );
}
