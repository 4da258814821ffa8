/** How often the tests repeat what may go wrong only once in many times. */

const FACTOR = Number(process.env['OMNE_ROUNDS'] ?? 1);

/** So many rounds, times `OMNE_ROUNDS` where that is set: 10 for a long night, 0.1 for a quick look. */
export function rounds(count: number): number {
  return Math.ceil(count * FACTOR);
}
