// @ts-check
/**
 * A virtual machine without acceleration. Its messages arrive as they are reported; it can lose its power at any moment. Each boot
 * is bounded in time and memory, and the machine dies with this process.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findTool } from './tools.mjs';

const MEMORY_MIB = 512;
/** A panic ends the machine. The check of the timer is left out: an emulated one fails it while the host is busy. */
const KERNEL_OPTIONS = 'console=ttyS0 loglevel=4 panic=-1 mitigations=off no_timer_check';
const BOOT_LIMIT_MS = 300_000; // seconds on an idle machine

/** @typedef {import('./guest/report.mjs').Report} Report */

/**
 * What the guest has reported, with the size of the log of writes when it arrived: what it says rests on no later write.
 * @typedef {{ logBytes: number, message: Report }} Message
 */

/**
 * @typedef {object} Boot
 * @property {import('./images.mjs').System} system
 * @property {string} folder
 * @property {string} fs
 * @property {number} session - a number that no other boot has
 * @property {string[]} drives - the images of the data drives
 * @property {boolean} work - whether the guest appends after its check; only with one drive
 * @property {boolean} control
 * @property {string} [writeLog] - where every write to the one drive is logged
 * @property {import('./copy-server.mjs').CopyServer} copies - where the guest that works is mirrored to
 */

export class Machine {
  /** @type {Message[]} */
  messages = [];
  /** Resolves once the machine is off. @type {Promise<void>} */
  off;
  /** @type {import('node:child_process').ChildProcessWithoutNullStreams} */
  #qemu;
  /** @type {string} */
  #console;
  /** What QEMU itself had to say. */
  #complaints = '';
  /** @type {(() => void)[]} */
  #waiting = [];

  /** @param {Boot} boot */
  constructor(boot) {
    this.#console = join(boot.folder, 'console.log');
    const qemu = findTool('qemu-system-x86_64') ?? '';
    // Without an input the port would be closed to the guest.
    this.#qemu = spawn('setpriv', ['--pdeathsig', 'KILL', qemu, ...argumentsOf(boot, this.#console)]);
    this.#qemu.stderr.on('data', chunk => (this.#complaints += chunk));
    const limit = setTimeout(() => this.cut(), BOOT_LIMIT_MS);
    boot.copies.shipped = (runId, events) => this.#note(boot, ['shipped', letterOf(0), runId, events]);
    const lines = createInterface({
      input: /** @type {import('node:stream').Readable} */ (this.#qemu.stdout),
    });
    lines.on('line', line => {
      const message = parsed(line);
      if (message !== undefined) this.#note(boot, message);
    });
    this.off = Promise.all([
      new Promise(resolve => lines.once('close', resolve)),
      new Promise((resolve, reject) => this.#qemu.once('exit', resolve).once('error', reject)),
    ])
      .then(() => boot.copies.settled())
      .then(() => clearTimeout(limit));
  }

  /** @param {Boot} boot @param {Report} message */
  #note({ writeLog }, message) {
    this.messages.push({ logBytes: writeLog === undefined ? 0 : statSync(writeLog).size, message });
    for (const look of this.#waiting) look();
  }

  /**
   * Resolves with true once the guest has reported this so often, with false when the machine is off before.
   * @param {string} kind
   * @param {number} [times]
   */
  async reports(kind, times = 1) {
    const seen = () => this.messages.filter(({ message }) => message[0] === kind).length >= times;
    const arrival = new Promise(resolve => this.#waiting.push(() => seen() && resolve(true)));
    await Promise.race([seen() || arrival, this.off]);
    return seen();
  }

  /** As `reports`, but with an error that shows the console when the machine is off before. @param {string} kind */
  async mustReport(kind) {
    if (!(await this.reports(kind)))
      throw new Error(`the machine never reported "${kind}":\n${this.#consoleTail()}`);
  }

  /** The messages about one data drive. @param {number} index */
  messagesOf(index) {
    return this.messages.map(({ message }) => message).filter(message => message[1] === letterOf(index));
  }

  /** The power goes: SIGKILL. */
  cut() {
    this.#qemu.kill('SIGKILL');
  }

  /** The machine stops with all its requests done, so that the log of writes is whole. */
  stop() {
    this.#qemu.kill('SIGTERM');
  }

  #consoleTail() {
    const console = existsSync(this.#console) ? readFileSync(this.#console, 'utf8').slice(-3000) : '';
    return this.#complaints + console;
  }
}

/** What the guest calls a data drive. @param {number} index */
function letterOf(index) {
  return String.fromCharCode('b'.charCodeAt(0) + index);
}

/** A line cut short by the loss of power is none. @param {string} line @returns {Report | undefined} */
function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** @param {Boot} boot @param {string} console */
function argumentsOf({ system, fs, session, drives, work, control, writeLog, copies }, console) {
  const letters = drives.map((_, index) => letterOf(index)).join(' ');
  const settings = [
    `power_fs=${fs}`,
    `power_drives="${letters}"`,
    `power_work=${work ? 1 : 0}`,
    `power_session=${session}`,
    `power_mirror=${copies.url}`,
  ];
  if (control) settings.push('power_node="--import /app/guest/no-sync.mjs"');
  return [
    ...[
      '-accel',
      'tcg',
      '-cpu',
      'max',
      '-m',
      `${MEMORY_MIB}`,
      '-smp',
      '1',
      '-nodefaults',
      '-display',
      'none',
      '-no-reboot',
    ],
    ...['-kernel', system.kernel, '-initrd', system.initrd],
    ...['-append', [KERNEL_OPTIONS, ...settings].join(' ')],
    ...['-serial', `file:${console}`],
    ...['-chardev', 'stdio,id=reports,signal=off', '-device', 'virtio-serial-pci'],
    ...['-device', 'virtserialport,chardev=reports,nr=1', '-device', 'virtio-rng-pci'],
    ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile='],
    ...[
      '-blockdev',
      `driver=raw,node-name=system,read-only=on,file.driver=file,file.filename=${system.drive}`,
    ],
    ...['-device', 'virtio-blk-pci,drive=system'],
    ...drives.flatMap((path, index) => driveArguments(path, index, writeLog)),
  ];
}

/**
 * A data drive with a volatile cache, as the guest sees it: its flushes need not reach the host's disk, whose power stays on.
 * @param {string} path
 * @param {number} index
 * @param {string | undefined} writeLog
 */
function driveArguments(path, index, writeLog) {
  const file = { driver: 'file', filename: path, 'node-name': `file${index}`, cache: { 'no-flush': true } };
  const logged = {
    driver: 'blklogwrites',
    file,
    log: { driver: 'file', filename: writeLog, cache: { 'no-flush': true } },
  };
  const node = {
    ...(writeLog === undefined ? { driver: 'raw', file } : logged),
    'node-name': `drive${index}`,
  };
  const device = `virtio-blk-pci,drive=drive${index},write-cache=on,discard=off,write-zeroes=off`;
  return ['-blockdev', JSON.stringify(node), '-device', device];
}
