/** Writing an answer no faster than the client takes it. */

import type { ServerResponse } from 'node:http';
import { startTimer, stopTimer } from '../real-time.js';

/** Resolves when more may be written: whether the client is still there. One that takes nothing for `patienceMs` is dropped. */
export function drained(response: ServerResponse, patienceMs: number): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  if (!response.writableNeedDrain) return Promise.resolve(true);
  return new Promise(resolve => {
    const settle = () => {
      stopTimer(timer);
      response.off('drain', settle);
      response.off('close', settle);
      resolve(!response.destroyed);
    };
    const timer = startTimer(() => response.destroy(), patienceMs);
    response.on('drain', settle);
    response.on('close', settle);
  });
}
