/**
 * HTML put together from templates.
 *
 * Promise: whatever a template is given is escaped, for text and attributes alike, unless it is markup itself; controls
 * are made visible first, since an HTML page may not hold them and the bidirectional ones would reorder it.
 */
import { printable } from '../screen/terminal.js';

/** HTML that was made by a template. */
export class Markup {
  readonly html: string;

  constructor(html: string) {
    this.html = html;
  }
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

/** A tag for template literals. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Markup | readonly Markup[])[]
): Markup {
  const inserted = values.map(value => {
    if (value instanceof Markup) return value.html;
    if (typeof value === 'object') return value.map(markup => markup.html).join('');
    return escapeHtml(String(value));
  });
  return new Markup(String.raw({ raw: parts }, ...inserted));
}

function escapeHtml(text: string): string {
  return printable(text.toWellFormed()).replace(/[&<>"']/g, character => ENTITIES.get(character) ?? '');
}
