/**
 * Cutting text to a number of bytes.
 *
 * Promise: a cut never goes through a character, so the result is valid UTF-8 whenever the input is.
 */

/**
 * The end of a text: its last `maxBytes` bytes of UTF-8, begun at a character boundary, as `gate.passed` carries of stdout.
 *
 * @param text - text, or the bytes of a captured output; bytes that are not UTF-8 become U+FFFD.
 * @param maxBytes - 1024 by default.
 * @returns at most `maxBytes` bytes of UTF-8, a few less where the cut fell inside a character.
 * @example
 * await log.append({ type: 'gate.passed', node_id, gate, method: 'hook', stdout: tailText(hookOutput) });
 */
export function tailText(text: string | Uint8Array, maxBytes = 1024): string {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 0)
    throw new TypeError('maxBytes must be an integer from 0 up');
  // Decoding first gives U+FFFD its three bytes, so that the bound holds for any input.
  const decoded =
    typeof text === 'string'
      ? text.toWellFormed()
      : new TextDecoder('utf-8', { ignoreBOM: true }).decode(text);
  const bytes = Buffer.from(decoded);
  let start = Math.max(0, bytes.length - maxBytes);
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return bytes.toString('utf8', start);
}
