/** The options for encoding or decoding one event. */
import { checkOptions, type OptionCheck } from '../options.js';
import { type OmneEvents, omneEvents } from './events.js';
import { isVocabulary, type Vocabulary } from './vocabulary.js';

/** How one event is encoded or decoded. */
export interface CodecOptions<V extends Vocabulary = OmneEvents> {
  /** The vocabulary of the event; `omneEvents` by default. */
  events?: V | undefined;
}

const CODEC_OPTIONS: Readonly<Record<keyof CodecOptions, OptionCheck>> = { events: isVocabulary };

/** The vocabulary that the options of a codec name. A number is not an option, but the index that `lines.map(decodeEvent)` passes. */
export function vocabularyOf(options: CodecOptions<Vocabulary> | number | undefined): Vocabulary {
  if (options === undefined || typeof options === 'number') return omneEvents;
  checkOptions(options, CODEC_OPTIONS);
  return options.events ?? omneEvents;
}
