// @ts-check
/**
 * The least that durable appends can cost in this language: `JSON.stringify` of the whole event, one O_DSYNC write in the thread
 * pool for each batch, one promise for each event. Nothing is checked, locked or stamped.
 */
import fs, { constants } from 'node:fs';
import { join } from 'node:path';

/** @typedef {import('../../dist/index.js').EventDraft} EventDraft */

const FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_DSYNC;
const ID = '01kp8g6dg0zg6axb6gqz17wf7n';
const STAMP = { id: ID, ts: '2026-04-15T12:00:00.000Z', run_id: `bench-${ID}` };

/** @param {EventDraft} draft */
function lineOf({ type, ...fields }) {
  return `${JSON.stringify({ type, ...STAMP, ...fields })}\n`;
}

/** A log that does no more than that. */
export class LeastLog {
  #text = '';
  /** @type {((value?: undefined) => void)[]} */
  #waiting = [];
  #running = false;
  #fd;

  /** @param {string} folder */
  constructor(folder) {
    this.#fd = fs.openSync(join(folder, 'least.jsonl'), FLAGS);
  }

  /** @param {EventDraft} draft */
  append(draft) {
    return this.#push(lineOf(draft));
  }

  /** @param {readonly EventDraft[]} drafts */
  appendAll(drafts) {
    let text = '';
    for (const draft of drafts) text += lineOf(draft);
    return this.#push(text);
  }

  async close() {
    fs.closeSync(this.#fd);
  }

  /** @param {string} text */
  #push(text) {
    return new Promise(resolve => {
      this.#text += text;
      this.#waiting.push(resolve);
      if (this.#running) return;
      this.#running = true;
      queueMicrotask(() => process.nextTick(this.#write));
    });
  }

  #write = () => {
    const waiting = this.#waiting;
    const bytes = Buffer.from(this.#text);
    this.#waiting = [];
    this.#text = '';
    fs.write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error || written < bytes.length) throw error ?? new Error('a short write');
      for (const resolve of waiting) resolve();
      queueMicrotask(() => process.nextTick(this.#goOn));
    });
  };

  #goOn = () => {
    if (this.#waiting.length > 0) this.#write();
    else this.#running = false;
  };
}
