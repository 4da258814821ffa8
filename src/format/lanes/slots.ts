/** Slots: where the values of one line are captured. */

/** Slots are numbers of one type's values in the order of the line; sets of them are the bits of a positive number. */
export const SLOTS = 31;
/** The slot of what is only passed over: the bit that is left. */
export const SCRATCH = 31;
