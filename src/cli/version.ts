/** The version of this package. */
import { readFileSync } from 'node:fs';

/** As package.json says it. */
export function packageVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return manifest.version;
}
