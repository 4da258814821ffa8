/** How often the tests repeat what may go wrong only once in many times. */

const FACTOR = Number(process.env['OMNE_ROUNDS'] ?? 0.1);

/**
 * So many rounds, times `OMNE_ROUNDS`: 1 is what decides whether a change is good, 10 is for a long night. By default a tenth,
 * for people who wait.
 */
export function rounds(count: number): number {
  return Math.ceil(count * FACTOR);
}

/** Whether this is a run that decides: then nothing is done in a quicker way than by a user either. */
export const fullStrength: boolean = FACTOR >= 1;

/** A long series where all counts; else each `step`-th of it, beginning with the first. */
export function spread<T>(series: readonly T[], step: number): readonly T[] {
  return fullStrength ? series : series.filter((_, index) => index % step === 0);
}

/** Every position in a text of so many bytes where all counts; else each `step`-th of them, and those around the ends of its lines. */
export function positionsIn(length: number, lineEnds: readonly number[], step: number): number[] {
  const isNearEnd = (position: number) => [0, ...lineEnds].some(end => Math.abs(position - end) <= 1);
  return Array.from({ length: length + 1 }, (_, position) => position).filter(
    position => fullStrength || position % step === 0 || isNearEnd(position),
  );
}
