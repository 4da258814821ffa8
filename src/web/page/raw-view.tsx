/**
 * The raw text: the end of a node's output as one plain text, without colours and without rows that are drawn only in view,
 * so the browser's own find works.
 */

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { NodeView } from '../api.js';
import { getOutput, rawOutputAddress } from './api-client.js';
import { useSignal } from './reactive.js';
import type { RunModel } from './run-model.js';
import { bytes, messageOf, visible } from './text.js';

const SHOWN_BYTES = 262_144;

/** See above. */
export function RawView({ model, node }: { readonly model: RunModel; readonly node: NodeView }): JSX.Element {
  const text = useSignal('');
  const note = useSignal('');
  const { nodeId, lastEvent } = node;
  useEffect(() => {
    const ending = new AbortController();
    const load = async () => {
      try {
        const parameters = { from: -SHOWN_BYTES, bytes: SHOWN_BYTES };
        const answer = await getOutput(model.runId, nodeId, parameters, ending.signal);
        const { start, end, size } = answer;
        text.value = answer.text;
        note.value = start === 0 ? `All ${bytes(size)}` : `The last ${bytes(end - start)} of ${bytes(size)}`;
      } catch (error) {
        if (ending.signal.aborted) return;
        text.value = '';
        note.value = messageOf(error);
      }
    };
    void load();
    return () => ending.abort();
  }, [model, nodeId, lastEvent]);
  return (
    <div class="raw">
      <div class="bar-of-tools">
        <span class="faint">{visible(note.value)}</span>
        <span class="space" />
        <a href={rawOutputAddress(model.runId, nodeId)} target="_blank" rel="noopener">
          Whole file
        </a>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the focus */}
      <section class="text" aria-label="Raw text" tabIndex={0}>
        <pre>{visible(text.value)}</pre>
      </section>
    </div>
  );
}
