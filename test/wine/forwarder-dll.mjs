/**
 * Makes `bcryptprimitives.dll`, which Wine 8 lacks and Rust programs for Windows (the bundler of Vitest) ask for random bytes:
 * `forwarder-dll <path>`. It holds no code: its one function, ProcessPrng, is a forwarder to the one of advapi32 that does the same.
 */
import { writeFileSync } from 'node:fs';

const SECTION_AT = 0x1000; // in memory; in the file the section comes after the headers
const HEADERS_BYTES = 512;
const OPTIONAL_HEADER_BYTES = 240;

/** Bytes with a pen: numbers go in one after the other, or to a place. */
class Bytes {
  #bytes = Buffer.alloc(512);
  at = 0;
  put(size, ...values) {
    for (const value of values) {
      if (size === 8) this.#bytes.writeBigUInt64LE(BigInt(value), this.at);
      else this.#bytes.writeUIntLE(value, this.at, size);
      this.at += size;
    }
    return this;
  }
  text(text) {
    this.at += this.#bytes.write(`${text}\0`, this.at, 'latin1');
    return this;
  }
  goTo(at) {
    this.at = at;
    return this;
  }
  get whole() {
    return this.#bytes;
  }
}

/** The section: the export directory with its tables of one entry, and the names. */
function exportSection() {
  const directoryBytes = 40;
  const [functions, names, ordinals] = [directoryBytes, directoryBytes + 4, directoryBytes + 8];
  const dllName = directoryBytes + 12;
  const functionName = dllName + 'bcryptprimitives.dll'.length + 1;
  const forwarder = functionName + 'ProcessPrng'.length + 1;
  const bytes = new Bytes();
  bytes.put(4, 0, 0, 0, SECTION_AT + dllName, 1, 1, 1); // flags, time, version, name, first ordinal, how many functions, names
  bytes.put(4, ...[functions, names, ordinals].map(table => SECTION_AT + table));
  bytes
    .put(4, SECTION_AT + forwarder, SECTION_AT + functionName)
    .put(2, 0)
    .goTo(dllName);
  bytes.text('bcryptprimitives.dll').text('ProcessPrng').text('ADVAPI32.SystemFunction036');
  return { bytes: bytes.whole, used: bytes.at };
}

/** The headers of a library for x64 with one section, which is all there is. */
function headers(sectionBytes) {
  const signatureAt = 64;
  const bytes = new Bytes().put(2, 0x5a4d).goTo(60).put(4, signatureAt); // MZ
  bytes.put(4, 0x4550).put(2, 0x8664, 1).put(4, 0, 0, 0).put(2, OPTIONAL_HEADER_BYTES, 0x2022); // PE, x64, one section, a library
  bytes.put(2, 0x20b, 0).put(4, 0, 512, 0, 0, 0); // PE32+; sizes, and no entry point
  bytes.put(8, 0x180000000).put(4, SECTION_AT, 512).put(2, 6, 0, 0, 0, 6, 0).put(4, 0); // base, alignments, Windows 6
  bytes.put(4, SECTION_AT + 0x1000, HEADERS_BYTES, 0).put(2, 3, 0x100); // sizes, no checksum, console, data is no code
  bytes.put(8, 0x100000, 0x1000, 0x100000, 0x1000).put(4, 0, 16); // stack, heap, sixteen directories
  bytes.put(4, SECTION_AT, sectionBytes); // the first is that of exports
  bytes.goTo(signatureAt + 24 + OPTIONAL_HEADER_BYTES).text('.edata');
  bytes.goTo(signatureAt + 24 + OPTIONAL_HEADER_BYTES + 8);
  bytes.put(4, sectionBytes, SECTION_AT, 512, HEADERS_BYTES, 0, 0, 0, 0x40000040); // to be read, initialized
  return bytes.whole;
}

const section = exportSection();
writeFileSync(process.argv[2], Buffer.concat([headers(section.used), section.bytes]));
