// @ts-check
/** The events that the guest appends: each names its writer and its place in that writer's order, and proves its own bytes. */

/** The longest filler in bytes: a line can take several blocks of a disk. */
const MAX_FILLER = 12_000;

/**
 * The draft of an event.
 * @param {string} writer
 * @param {number} number
 * @returns {import('omne-event-log').EventDraft}
 */
export function draftOf(writer, number) {
  const bytes = Math.floor(Math.random() ** 6 * MAX_FILLER); // most are short
  return {
    type: 'gate.passed',
    node_id: writer,
    gate: String(number),
    method: 'hook',
    stdout: filler(writer, number, bytes),
  };
}

/**
 * What a line of the log holds, read without the library: its id, its end in the file, its writer and number, and whether its
 * text is the one that was written.
 * @typedef {[id: string, end: number, writer: string, number: number, whole: boolean]} Found
 */

/**
 * @param {string} line
 * @param {number} end
 * @returns {Found}
 */
export function foundIn(line, end) {
  try {
    const { id, type, node_id: writer, gate, stdout, reason } = JSON.parse(line);
    if (type === 'pipe.aborted') {
      const [name = '', number] = reason.split(' ');
      return [id, end, name, Number(number), true];
    }
    return [id, end, writer, Number(gate), stdout === filler(writer, Number(gate), stdout.length)];
  } catch {
    return ['', end, '', -1, false];
  }
}

/** @param {string} writer @param {number} number @param {number} length */
function filler(writer, number, length) {
  const text = `${writer}:${number} `;
  return text.repeat(Math.ceil(length / text.length)).slice(0, length);
}
