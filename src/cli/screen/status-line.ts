/**
 * One line at the foot of a terminal that is drawn over and over, below what is printed.
 *
 * Promise: it takes one row, whatever its text, and nothing of it is left once it is closed. Where stdout is no terminal
 * there is no such line, and printing is all that happens.
 */
import { startInterval, stopInterval } from '../../real-time.js';
import { canRedraw, lineWidth, paint, print, write } from './terminal.js';
import { cutTo } from './width.js';

const ERASE = '\r\u001b[K';
const FRAME_MS = 100;
const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

/**
 * Keeps a status line up to date until it is closed; `text` is asked for at every drawing and is safe to print, and so is whether
 * anything goes on at all.
 */
export class StatusLine {
  readonly #text: () => string;
  readonly #halted: () => boolean;
  readonly #timer: NodeJS.Timeout | undefined;
  #frame = 0;

  constructor(text: () => string, halted: () => boolean = () => false) {
    this.#text = text;
    this.#halted = halted;
    if (canRedraw()) this.#timer = startInterval(() => void write(this.#drawn()), FRAME_MS);
  }

  /** Prints lines above the status line. */
  print(lines: string): Promise<void> {
    if (this.#timer === undefined) return print(lines);
    return write(`${ERASE}${lines}\n${this.#drawn()}`);
  }

  /** Takes the line away. */
  async close(): Promise<void> {
    if (this.#timer === undefined) return;
    stopInterval(this.#timer);
    await write(ERASE);
  }

  #drawn(): string {
    const spinner = this.#halted() ? '!' : (SPINNER[this.#frame++ % SPINNER.length] ?? '');
    // One column is left free: a line that fills the row wraps on some terminals.
    return `${ERASE}${paint('cyan', spinner)} ${paint('dim', cutTo(this.#text(), lineWidth() - 3))}`;
  }
}
