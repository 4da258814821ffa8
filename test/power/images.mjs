// @ts-check
/**
 * The images of the machine: a kernel with a small start-up system, a read-only drive with Node and this package, and
 * data drives. All are sparse files.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { findKernel, findTool } from './tools.mjs';

/** How each file system is made on a data drive; the machine's own discards are off, so the drive keeps what it was given. */
const MAKE = {
  ext4: ['mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0,nodiscard'],
  xfs: ['mkfs.xfs', '-q', '-f', '-K'],
  btrfs: ['mkfs.btrfs', '-q', '-f', '-K'],
};
/** @type {string[]} */
export const FILE_SYSTEMS = Object.keys(MAKE);

const PROJECT = join(import.meta.dirname, '../..');
const DATA_BYTES = 384 * 1024 * 1024; // mkfs.xfs takes no less than 300 MiB
const SYSTEM_BYTES = 384 * 1024 * 1024;

/** What every boot uses. @typedef {{ kernel: string, initrd: string, drive: string }} System */

/**
 * @param {string} folder
 * @param {string} fs - of the data drives
 * @returns {System}
 */
export function buildSystem(folder, fs) {
  const kernel = findKernel();
  if (kernel === undefined) throw new Error('no kernel for virtual machines is installed');
  return {
    kernel: kernel.image,
    initrd: buildInitrd(folder, kernel.modules, fs),
    drive: buildSystemDrive(folder),
  };
}

/**
 * An empty data drive.
 * @param {string} path
 * @param {string} fs
 */
export function makeDataDrive(path, fs) {
  makeDrive(path, DATA_BYTES, MAKE[/** @type {keyof typeof MAKE} */ (fs)]);
}

/**
 * A copy of a drive, as sparse as it was.
 * @param {string} from
 * @param {string} to
 */
export function copyDrive(from, to) {
  execFileSync('cp', ['--sparse=always', '--reflink=auto', from, to]);
}

/** @param {string} path @param {number} bytes @param {readonly string[]} command */
function makeDrive(path, bytes, [tool = '', ...args]) {
  writeFileSync(path, '');
  truncateSync(path, bytes);
  execFileSync(findTool(tool) ?? tool, [...args, path], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The start-up system: busybox, the modules in loading order, and the script that mounts everything. @param {string} folder @param {string} modules @param {string} fs */
function buildInitrd(folder, modules, fs) {
  const stage = join(folder, 'initrd');
  for (const name of ['bin', 'dev', 'proc', 'sys', 'system', 'modules'])
    mkdirSync(join(stage, name), { recursive: true });
  copyProgram(findTool('busybox') ?? '', stage, 'bin/busybox');
  cpSync(join(import.meta.dirname, 'guest/init.sh'), join(stage, 'init'));
  chmodSync(join(stage, 'init'), 0o755);
  const order = modulesInOrder(modules, [
    'virtio_pci',
    'virtio_blk',
    'virtio_console',
    'virtio_net',
    'virtio-rng',
    'crc32c_generic',
    fs,
  ]);
  for (const [index, path] of order.entries()) {
    cpSync(
      join(modules, path),
      join(stage, 'modules', `${String(index).padStart(2, '0')}-${basename(path)}`),
    );
  }
  const initrd = join(folder, 'initrd.img');
  execFileSync('sh', ['-c', 'find . | cpio --quiet -o -H newc >"$1"', 'sh', initrd], { cwd: stage });
  rmSync(stage, { recursive: true });
  return initrd;
}

/**
 * The files of the named modules and of all they need, each after what it needs; what is built into the kernel has none.
 * @param {string} modules
 * @param {string[]} names
 */
function modulesInOrder(modules, names) {
  const needs = new Map(
    readFileSync(join(modules, 'modules.dep'), 'utf8')
      .split('\n')
      .map(line => line.split(':'))
      .map(([path = '', list = '']) => [path, list.trim().split(' ').filter(Boolean)]),
  );
  const order = new Set();
  /** @param {string} path */
  const add = path => {
    for (const needed of [...(needs.get(path) ?? [])].reverse()) add(String(needed));
    order.add(path);
  };
  for (const name of names)
    for (const path of needs.keys()) if (String(path).endsWith(`/${name}.ko`)) add(String(path));
  return /** @type {string[]} */ ([...order]);
}

/** Node, its libraries, this package as it is published, and the programs of `guest/`. @param {string} folder */
function buildSystemDrive(folder) {
  const stage = join(folder, 'system');
  for (const name of ['bin', 'app/guest', 'data', 'dev', 'proc', 'sys', 'tmp'])
    mkdirSync(join(stage, name), { recursive: true });
  copyProgram(realpathSync(process.execPath), stage, 'bin/node');
  copyProgram(findTool('busybox') ?? '', stage, 'bin/busybox');
  for (const name of ['package.json', 'dist', ...productionPackages()]) {
    cpSync(join(PROJECT, name), join(stage, 'app', name), { recursive: true, dereference: true });
  }
  cpSync(join(import.meta.dirname, 'guest'), join(stage, 'app/guest'), { recursive: true });
  const drive = join(folder, 'system.img');
  makeDrive(drive, SYSTEM_BYTES, ['mkfs.ext4', '-q', '-F', '-d', stage]);
  rmSync(stage, { recursive: true });
  return drive;
}

/** A program and the libraries it is linked with. @param {string} program @param {string} stage @param {string} name */
function copyProgram(program, stage, name) {
  cpSync(program, join(stage, name), { dereference: true });
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' }); // of a static one it has nothing to say
  for (const [, library = ''] of stdout.matchAll(/(\/\S+) \(0x/g)) {
    mkdirSync(join(stage, dirname(library)), { recursive: true });
    cpSync(library, join(stage, library), { dereference: true });
  }
}

/** The folders of the packages that this one needs when it runs, and its mirror, e.g. `node_modules/ulid`. */
function productionPackages() {
  /** @type {Set<string>} */
  const found = new Set();
  /** @param {string} folder */
  const visit = folder => {
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(PROJECT, folder, 'package.json'), 'utf8'),
    );
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) add(name);
  };
  /** @param {string} name */
  const add = name => {
    const path = join('node_modules', name);
    if (found.has(path) || !isInstalled(path)) return;
    found.add(path);
    visit(path);
  };
  visit('.');
  for (const name of ['@nats-io/jetstream', '@nats-io/transport-node']) add(name);
  return found;
}

/** @param {string} path */
function isInstalled(path) {
  try {
    return realpathSync(join(PROJECT, path)) !== '';
  } catch {
    return false; // an optional one, for another platform
  }
}
