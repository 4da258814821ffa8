// @ts-check
/** What is needed from the system: found, or named together with the package that has it. */
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The tools and their Debian packages. @type {{ [tool: string]: string }} */
const PACKAGES = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  cpio: 'cpio',
  setpriv: 'util-linux',
  'mkfs.ext4': 'e2fsprogs',
  'nats-server': 'nats-server',
};
/** @type {{ [fs: string]: { [tool: string]: string } }} */
const PACKAGES_OF_FS = { xfs: { 'mkfs.xfs': 'xfsprogs' }, btrfs: { 'mkfs.btrfs': 'btrfs-progs' } };

/**
 * Ends the process with status 2, naming the packages to install, when something is missing.
 * @param {string} fs
 */
export function requireTools(fs) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.error('The machine that is cut runs this very Node: that must be one for Linux on x64.');
    process.exit(2);
  }
  const tools = Object.entries({ ...PACKAGES, ...PACKAGES_OF_FS[fs] });
  const missing = tools.filter(([tool]) => findTool(tool) === undefined).map(([, name]) => name);
  if (findKernel() === undefined) missing.push('linux-image-cloud-amd64');
  if (missing.length === 0) return;
  console.error(`Missing: apt-get install --no-install-recommends ${[...new Set(missing)].join(' ')}`);
  process.exit(2);
}

/**
 * The path of a tool; administrators' folders are looked at whether or not they are in PATH.
 * @param {string} tool
 * @returns {string | undefined}
 */
export function findTool(tool) {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map(folder => join(folder, tool)).find(path => existsSync(path));
}

/**
 * The newest kernel for virtual machines whose modules are there too.
 * @returns {{ image: string, modules: string } | undefined}
 */
export function findKernel() {
  if (!existsSync('/boot')) return undefined;
  const releases = readdirSync('/boot').flatMap(name => /^vmlinuz-(.+-cloud-amd64)$/.exec(name)?.[1] ?? []);
  return releases
    .map(release => ({ image: `/boot/vmlinuz-${release}`, modules: `/lib/modules/${release}` }))
    .filter(({ modules }) => existsSync(join(modules, 'modules.dep')))
    .sort((a, b) => a.image.localeCompare(b.image, 'en', { numeric: true }))
    .at(-1);
}
