/**
 * The page: the list of runs, or one run, as the address says.
 *
 *     server -> api-client, live-stream -> runs-model, run-model, output-model -> views -> text nodes
 *
 * Promise: text from a log or an output reaches the document as text nodes and attributes of no effect, never as markup.
 */

import { type JSX, render } from 'preact';
import { useEffect } from 'preact/hooks';
import { showIcon } from './favicon.js';
import { Help } from './help.js';
import { useKeys } from './keys.js';
import { connectionState } from './live-stream.js';
import { Button } from './parts.js';
import { useSignal } from './reactive.js';
import { route } from './route.js';
import { RunView } from './run-view.js';
import { RunsView } from './runs-view.js';
import { zone } from './time.js';

const CONNECTION = {
  connecting: 'connecting',
  live: 'live',
  waiting: 'offline',
  ended: 'complete',
} as const;

function Page(): JSX.Element {
  const { runId } = route.value;
  const help = useSignal(false);
  const printing = useSignal(false);
  useKeys({
    '?': () => (help.value = true),
    t: () => (zone.value = zone.value === 'utc' ? 'local' : 'utc'),
  });
  useEffect(() => {
    const before = () => (printing.value = true);
    const after = () => (printing.value = false);
    addEventListener('beforeprint', before);
    addEventListener('afterprint', after);
    return () => {
      removeEventListener('beforeprint', before);
      removeEventListener('afterprint', after);
    };
  }, []);
  useEffect(() => {
    if (runId === undefined) showIcon('completed');
  }, [runId]);
  return (
    <>
      {runId === undefined ? <RunsView /> : <RunView key={runId} runId={runId} printing={printing.value} />}
      <footer class="foot">
        <span class={`connection ${connectionState.value}`}>{CONNECTION[connectionState.value]}</span>
        <Button class="quiet" onClick={() => (zone.value = zone.value === 'utc' ? 'local' : 'utc')}>
          Times: {zone.value === 'utc' ? 'UTC' : 'local'}
        </Button>
        <Button class="quiet" onClick={() => (help.value = true)}>
          Keys (?)
        </Button>
      </footer>
      {help.value ? <Help close={() => (help.value = false)} /> : null}
    </>
  );
}

const root = document.querySelector('#page');
if (root !== null) render(<Page />, root);
