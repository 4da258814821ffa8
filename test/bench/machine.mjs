// @ts-check
/** The machine and the storage that the figures were taken on. */
import { readFileSync, statfsSync, statSync } from 'node:fs';
import { cpus, release } from 'node:os';

/**
 * What the figures depend on.
 * @param {string} folder
 */
export function machineOf(folder) {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    node: process.version,
    kernel: `${process.platform} ${release()}`,
    ...storageOf(folder),
  };
}

/**
 * The type of the file system that holds a folder, and its device, where the system tells.
 * @param {string} folder
 */
function storageOf(folder) {
  try {
    const { dev } = statSync(folder);
    const number = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
    // id parent major:minor root mount-point options optional... - type device super-options
    for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
      const fields = line.split(' ');
      if (fields[2] !== number) continue;
      const [filesystem = 'unknown', device = 'unknown'] = fields.slice(fields.indexOf('-') + 1);
      return { filesystem, device };
    }
  } catch {
    // Not Linux: the number of the file system's type is all there is.
  }
  return { filesystem: `type 0x${statfsSync(folder).type.toString(16)}`, device: 'unknown' };
}
