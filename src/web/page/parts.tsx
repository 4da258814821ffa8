/** Small parts that several views are made of. */
import type { ButtonHTMLAttributes, JSX } from 'preact';
import type { Mark } from './status.js';

/** A button that sends no form. */
export function Button(props: ButtonHTMLAttributes<HTMLButtonElement>): JSX.Element {
  return <button type="button" {...props} />;
}

/** A status as a glyph and a word. */
export function Badge({ mark, role }: { readonly mark: Mark; readonly role?: 'status' }): JSX.Element {
  return (
    <span class={`badge ${mark.kind}`} role={role}>
      <b aria-hidden="true">{mark.glyph}</b> {mark.word}
    </span>
  );
}
