/**
 * The files of the page, as they were built beside this one.
 *
 * Promise: what is answered is one of the files that were there when the server started; a path is only ever looked up among
 * their names, so none leads elsewhere.
 */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errnoOf } from '../errors.js';

const FOLDER = fileURLToPath(new URL('./page/', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
};

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
}

/** The files by their paths on the server, `/index.html` among them; none where the page was not built. */
export async function loadPage(folder: string = FOLDER): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  try {
    const names = await readdir(folder, { recursive: true });
    for (const name of names) {
      const type = TYPES[extname(name)];
      if (type === undefined) continue;
      files.set(`/${name.split(sep).join('/')}`, { type, bytes: await readFile(join(folder, name)) });
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  return files;
}
