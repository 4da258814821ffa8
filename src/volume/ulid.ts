/**
 * ULIDs that only rise.
 *
 * Promise: a `UlidSequence` never hands out an id that is not strictly greater than the one before it and than every
 * id it was shown, whatever the clock does. Ids are lower case (upper case sorts before it, so rising holds either way).
 */
import { randomFillSync } from 'node:crypto';
import { decodeTime, incrementBase32, ulid } from 'ulid';

const ULID = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;
const ULID_IN_ANY_CASE = /^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$/;

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Hands out strictly rising ULIDs. The last one is kept as its last digit and what is before it: most of the time the next one takes
 * another digit, and no more.
 */
export class UlidSequence {
  #stem = '';
  #digit = 0;
  #lastTime = 0;

  /** Makes every later id greater than `id`; text that is not a ULID is passed over. */
  raiseTo(id: string): void {
    if (!ULID_IN_ANY_CASE.test(id)) return;
    const seen = id.toLowerCase();
    if (this.#stem !== '' && seen <= this.#last) return;
    this.#keep(seen);
    this.#lastTime = decodeTime(seen);
  }

  /**
   * The next ULID, for `now` in milliseconds since the epoch, or one above the last when the clock has not moved on.
   *
   * @throws RangeError when the last possible ULID is used up.
   */
  next(now: number): string {
    if (this.#stem === '' || now > this.#lastTime) {
      this.#lastTime = Math.max(1, now); // the ulid package takes 0 for "now"
      this.#keep(ulid(this.#lastTime, pooledRandom).toLowerCase());
    } else if (this.#digit < DIGITS.length - 1) {
      this.#digit++;
    } else {
      this.#carry();
    }
    return this.#last;
  }

  get #last(): string {
    return this.#stem + DIGITS.charAt(this.#digit);
  }

  #keep(id: string): void {
    this.#stem = id.slice(0, -1);
    this.#digit = DIGITS.indexOf(id.slice(-1));
  }

  #carry(): void {
    const above = incrementBase32(this.#last.toUpperCase()).toLowerCase();
    if (above > '7zzzzzzzzzzzzzzzzzzzzzzzzz') throw new RangeError('no ULID is left above the last one');
    if (above.endsWith('0000000000000000')) this.#lastTime = decodeTime(above); // carried into the time
    this.#keep(above);
  }
}

const pool = new Uint8Array(1024);
let used = pool.length;

/** A random fraction; the ulid package's own source asks the kernel for each single byte. */
function pooledRandom(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return (pool[used++] ?? 0) / 256;
}

/** Whether a text is a ULID in lower case. */
export function isUlid(text: string): boolean {
  return ULID.test(text);
}

/** The time that a ULID holds, in milliseconds since the epoch. */
export function timeOfUlid(ulid: string): number {
  return decodeTime(ulid);
}
