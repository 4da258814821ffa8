/** Figures in words for people: how long, how long ago, how much. Pure. */

import { nowMs } from './real-time.js';

/** Units of time, in milliseconds. */
export const SECOND = 1000;
export const MINUTE: number = 60 * SECOND;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;

/** `420 ms`, `12.3 s`, `3 m 04 s`, `2 h 05 m`, `4 d 03 h` */
export function duration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < SECOND) return `${Math.floor(ms)} ms`;
  if (ms < MINUTE) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < HOUR) return two(ms, MINUTE, 'm', SECOND, 's');
  if (ms < DAY) return two(ms, HOUR, 'h', MINUTE, 'm');
  return two(ms, DAY, 'd', HOUR, 'h');
}

function two(ms: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${largeUnit} ${String(rest).padStart(2, '0')} ${smallUnit}`;
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['s', SECOND],
  ['m', MINUTE],
  ['h', HOUR],
  ['d', DAY],
]);

/** The milliseconds of `45s`, `90m`, `36h` or `30d`; NaN for any other text. */
export function milliseconds(text: string): number {
  const [, number, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  return number === undefined ? Number.NaN : Number(number) * (UNITS.get(unit) ?? Number.NaN);
}

/** `12 s ago`; empty for a time that cannot be read. */
export function age(time: number, now: number = nowMs()): string {
  if (Number.isNaN(time)) return '';
  const ms = Math.max(0, now - time); // clocks differ
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s ago`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} m ago`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ago`;
  return `${Math.floor(ms / DAY)} d ago`;
}

/** `512 B`, `1.5 kB`, `2.0 GB` */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes;
  let unit = '';
  for (unit of ['kB', 'MB', 'GB', 'TB']) if ((value /= 1000) < 999.95) break;
  return `${value.toFixed(1)} ${unit}`;
}

/** `1 node`, `3 nodes` */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** `no executor for up to 2 m 00 s`: how long nobody drove a run; nothing where somebody always did. */
export function downtimeOf({ downtimes }: { downtimes: readonly { durationMs?: number }[] }): string[] {
  if (downtimes.length === 0) return [];
  return [
    `no executor for up to ${duration(downtimes.reduce((sum, { durationMs = 0 }) => sum + durationMs, 0))}`,
  ];
}
