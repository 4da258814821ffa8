/** The icon of the tab, which says how the run does. The files lie beside the page; its policy allows no other pictures. */
import type { Mark } from './status.js';

/** Shows the icon of a status. */
export function showIcon(kind: Mark['kind']): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  const href = `/icon-${kind}.svg`;
  if (link !== null && link.getAttribute('href') !== href) link.href = href;
}
