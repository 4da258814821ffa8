/**
 * Times for people: always with their offset, in UTC or in the zone of the browser; lengths in two units at most.
 *
 * Promise: the clock of the server counts, so bars grow rightly where the browser's clock is off.
 */
import { type ReadonlySignal, signal } from '@preact/signals-core';
import { stored } from './settings.js';
import { timeOf } from './text.js';

export type Zone = 'utc' | 'local';

/** The zone that times are shown in. */
export const zone = stored<Zone>('zone', 'local', ['utc', 'local']);

let offsetMs = 0;

/** Takes over the clock of the server, as an answer gave it. */
export function setClock(serverNow: number): void {
  offsetMs = serverNow - Date.now();
}

const ticking = signal(Date.now());

/** The time now by the server's clock, four times a second while the page is seen; once a second where motion is unwanted. */
export const now: ReadonlySignal<number> = ticking;

const calm = matchMedia('(prefers-reduced-motion: reduce)');
let waited = 0;
setInterval(() => {
  if (document.hidden || (calm.matches && ++waited % 4 !== 0)) return;
  ticking.value = Date.now() + offsetMs;
}, 250);

/** A time of an event: `2026-11-28 14:03:07.120 +01:00`; a text that is no time as it is. */
export function moment(ts: string | undefined, inZone: Zone): string {
  const time = timeOf(ts);
  if (Number.isNaN(time)) return ts ?? '';
  return `${shifted(time, inZone).slice(0, 23).replace('T', ' ')} ${offsetOf(time, inZone)}`;
}

/** The time of day with milliseconds, without its offset: where a heading states that. */
export function clock(time: number, inZone: Zone): string {
  return Number.isNaN(time) ? '' : shifted(time, inZone).slice(11, 23);
}

/** The ISO text of a time, as a clock in the zone shows it. */
function shifted(time: number, inZone: Zone): string {
  return new Date(time + minutesIn(inZone, time) * 60_000).toISOString();
}

function minutesIn(inZone: Zone, time: number): number {
  return inZone === 'utc' ? 0 : -new Date(time).getTimezoneOffset();
}

/** `UTC` or `+01:00`. */
export function offsetOf(time: number, inZone: Zone): string {
  if (inZone === 'utc') return 'UTC';
  const minutes = minutesIn(inZone, time);
  return (minutes < 0 ? '-' : '+') + new Date(Math.abs(minutes) * 60_000).toISOString().slice(11, 16);
}

/** A length: `120 ms`, `2.4 s`, `3:07 min`, `1 h 5 min`, `2 d 3 h`. */
export function duration(ms: number | undefined): string {
  if (ms === undefined || Number.isNaN(ms)) return '';
  const time = Math.max(0, Math.round(ms));
  if (time < 1000) return `${time} ms`;
  if (time < 60_000) return `${(Math.floor(time / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(time / 1000);
  const [minutes, hours, days] = [
    Math.floor(seconds / 60),
    Math.floor(seconds / 3600),
    Math.floor(seconds / 86_400),
  ];
  if (hours === 0) return `${minutes}:${String(seconds % 60).padStart(2, '0')} min`;
  return days === 0 ? `${hours} h ${minutes % 60} min` : `${days} d ${hours % 24} h`;
}

/** How long ago: `now`, `5 s ago`, `3 h ago`. */
export function ago(time: number, at: number): string {
  const seconds = Math.floor((at - time) / 1000);
  if (Number.isNaN(seconds)) return '';
  if (seconds < 2) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86_400)} d ago`;
}

const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';

/** The time that the ULID of a run id holds, in milliseconds since the epoch. */
export function createdAt(runId: string): number {
  return [...runId.slice(-26, -16)].reduce((time, character) => time * 32 + CROCKFORD.indexOf(character), 0);
}
