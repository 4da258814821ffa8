/**
 * Which Chromium the tests start: Debian's `chromium-headless-shell`, which draws the same with half the processor time; where
 * all counts the whole `chromium`, as people have it. Where only one of the two is installed, that one.
 */
import { existsSync } from 'node:fs';
import { fullStrength } from './rounds.js';

const WHOLE = '/usr/bin/chromium';
const SHELL = '/usr/bin/chromium-headless-shell';
const [preferred, other] = fullStrength ? [WHOLE, SHELL] : [SHELL, WHOLE];

/** Its path, whether it is there or not; `CHROMIUM_PATH` names another one. */
export const CHROMIUM: string =
  process.env['CHROMIUM_PATH'] ?? [preferred, other].find(path => existsSync(path)) ?? preferred;
