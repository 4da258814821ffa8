/**
 * Finding special bytes sixteen at a time: a WebAssembly module of one function. Its text, with what each part does, is
 * special-bytes.wat beside this file.
 *
 * Promise: it knows nothing of lines or events, and what it writes is what `findByBytes` of special-bytes.ts writes: a test holds
 * the two together. Reading ahead where quotes and backslashes are, by vectors, comes from simdjson (G. Langdale, D. Lemire:
 * "Parsing gigabytes of JSON per second", 2019). A replay takes 0.45 us for each event with it and 0.8 without.
 */
import { SPECIAL_BYTES_WASM } from './special-bytes.wasm.js';

/** The memory of the module, and its function. */
export interface SimdFinder {
  readonly memory: Memory;
  readonly find: Find;
}

interface Memory {
  readonly buffer: ArrayBuffer;
}

/**
 * Looks at the bytes in [0, end) of the memory, which are at `origin` in some buffer, and at up to `OVERRUN` bytes after
 * them. From the address `out` on it writes an entry for each special byte, and one for the place after the last byte it has
 * looked at; it returns the address of that one. `surplus` is by how much positions in bytes are greater than those in UTF-16.
 */
type Find = (end: number, out: number, origin: number, surplus: number) => number;

/** How many bytes after the end are looked at, at most: a step is four vectors. */
export const OVERRUN = 63;

/** Absent where Node runs without compilers (`--jitless`); the types of Node do not know it. */
declare const WebAssembly:
  | undefined
  | {
      readonly Memory: new (size: { readonly initial: number }) => Memory;
      readonly Module: new (binary: Uint8Array) => object;
      readonly Instance: new (
        module: object,
        imports: { readonly js: { readonly memory: Memory } },
      ) => { readonly exports: { readonly find: Find } };
    };

const PAGE_BYTES = 65_536;

/** Makes the module with a memory of so many bytes; undefined where the platform has no vectors, or no memory for it. */
export function makeSimdFinder(memoryBytes: number): SimdFinder | undefined {
  try {
    if (WebAssembly === undefined) return undefined;
    const memory = new WebAssembly.Memory({ initial: Math.ceil(memoryBytes / PAGE_BYTES) });
    const module = new WebAssembly.Module(Buffer.from(SPECIAL_BYTES_WASM, 'base64'));
    const { find } = new WebAssembly.Instance(module, { js: { memory } }).exports;
    return { memory, find };
  } catch {
    return undefined; // whatever the reason is: `findByBytes` does the same
  }
}
