/** One line of an output: its number, which is a link to it, and its text as spans. */

import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { OutputLine } from '../api.js';
import { type Span, spansOf } from './ansi.js';
import { SHOWN_BYTES } from './output-model.js';
import { Button } from './parts.js';
import { useSignal } from './reactive.js';
import { bytes, visible } from './text.js';

interface LineProps {
  readonly number: number;
  /** Undefined while it is asked for. */
  readonly line: OutputLine | undefined;
  readonly chosen: boolean;
  readonly hit: boolean;
  /** What is searched for; empty where nothing is. */
  readonly query: string;
  pick(number: number, extend: boolean): void;
  /** Asks for the whole text. */
  whole(line: OutputLine): Promise<string>;
}

/** See above. */
export function OutputLineRow({ number, line, chosen, hit, query, pick, whole }: LineProps): JSX.Element {
  const rest = useSignal<{ readonly offset: number; readonly text: string } | undefined>(undefined);
  const text = line?.text ?? '';
  const spans = useMemo(() => spansOf(text), [text]);
  const isCut = line !== undefined && line.bytes > SHOWN_BYTES;
  const shown = rest.value !== undefined && rest.value.offset === line?.offset ? rest.value.text : undefined;
  return (
    <div class={`line ${chosen ? 'chosen' : ''} ${hit ? 'hit' : ''}`}>
      <a
        class="number"
        href={`#L${number}`}
        aria-label={`Line ${number}`}
        onClick={event => {
          event.preventDefault();
          pick(number, event.shiftKey);
        }}
      >
        {number}
      </a>
      {/* dir: a line of another direction must not move its number */}
      <code dir="ltr">
        {line === undefined
          ? '…'
          : spans.map((span, index) => <Piece key={index} span={span} query={query} />)}
        {isCut ? (
          <Button class="more" onClick={() => void show(line, whole, rest)}>
            {`… ${bytes(line.bytes)} in all: show`}
          </Button>
        ) : null}
      </code>
      {shown && (
        <dialog open class="whole-line" aria-label={`Line ${number} as a whole`}>
          <Button onClick={() => (rest.value = undefined)}>Close</Button>
          <textarea readonly rows={16} aria-label={`Text of line ${number}`} value={visible(shown)} />
        </dialog>
      )}
    </div>
  );
}

async function show(
  line: OutputLine,
  whole: LineProps['whole'],
  rest: { value: { readonly offset: number; readonly text: string } | undefined },
): Promise<void> {
  rest.value = { offset: line.offset, text: await whole(line).catch(String) };
}

function Piece({ span, query }: { readonly span: Span; readonly query: string }): JSX.Element {
  const { text, looks, colour, ground, href } = span;
  const style = {
    ...(colour === undefined ? {} : { color: colour }),
    ...(ground === undefined ? {} : { backgroundColor: ground }),
  };
  const marked = query === '' ? text : withMarks(text, query);
  if (href !== undefined) {
    return (
      <a class={looks} style={style} href={href} target="_blank" rel="noopener noreferrer">
        {marked}
      </a>
    );
  }
  return (
    <span class={looks} style={style}>
      {marked}
    </span>
  );
}

/** The text with what was searched for marked, whatever the case. */
function withMarks(text: string, query: string): (string | JSX.Element)[] {
  const [low, wanted] = [text.toLowerCase(), query.toLowerCase()];
  if (low.length !== text.length) return [text]; // lower case of other length: places would be wrong
  const parts: (string | JSX.Element)[] = [];
  let done = 0;
  for (let at = low.indexOf(wanted); at !== -1; at = low.indexOf(wanted, done)) {
    parts.push(text.slice(done, at), <mark key={at}>{text.slice(at, at + wanted.length)}</mark>);
    done = at + wanted.length;
  }
  return [...parts, text.slice(done)];
}
