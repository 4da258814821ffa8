/**
 * The chain of a run's messages: each names the one before it.
 *
 * Promise: where one is missing, or another is in its place, the next one tells.
 */
import { PubHeaders } from '@nats-io/jetstream';
import type { Stored } from '../message.js';

/** Set by the server on what it copied out of another stream, where sequences are others. */
const SOURCE_HEADER = 'Nats-Stream-Source';

/** `anew`: nothing of the run was stored when the message came. */
export type Link = 'holds' | 'broken' | 'anew' | 'unsaid';

/**
 * Holds what a message says of the one before it against that one. A mirror publishes each with the sequence of the one
 * in front or, while that is under way, with its message id, and the server keeps both.
 */
export function linkOf({ headers }: Stored, before: Stored): Link {
  const id = headers?.get(PubHeaders.ExpectedLastMsgIdHdr) ?? '';
  if (id !== '') return id === before.headers?.get(PubHeaders.MsgIdHdr) ? 'holds' : 'broken';
  const sequence = headers?.get(PubHeaders.ExpectedLastSubjectSequenceHdr) ?? '';
  if (sequence === '' || headers?.get(SOURCE_HEADER)) return 'unsaid';
  if (sequence === '0') return 'anew';
  return Number(sequence) === before.seq ? 'holds' : 'broken';
}
