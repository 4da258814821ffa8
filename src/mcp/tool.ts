/** What a tool is: its name, what a model reads about it, its parameters, and how it answers. */
import { LEAST_CHARACTERS, MOST_CHARACTERS, USUAL_CHARACTERS } from './answer.js';
import { type ArgumentsOf, checkArguments, type Parameters } from './parameters.js';

/** Where a tool finds the runs. */
export interface Runs {
  /** The folder that contains `.omne`. */
  readonly root: string;
  /** The id of the run that is meant by an id, the beginning of one, or `last`. */
  which(given: string): Promise<string>;
}

/** A call under way. */
export interface Call extends Runs {
  /** How long the answer may be, in characters. */
  readonly most: number;
  /** `max_chars` as it was given, to be repeated in the next call. */
  readonly again: { readonly max_chars?: number };
  /** Aborted when the client does not want the answer any more. */
  readonly signal: AbortSignal;
}

/** A tool, as the server lists and calls it. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly parameters: Parameters;
  readonly required: readonly string[];
  answer(
    given: Readonly<Record<string, unknown>>,
    context: Runs & { readonly signal: AbortSignal },
  ): Promise<string>;
}

interface ToolSpec<P extends Parameters> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly parameters: P;
  readonly required?: readonly (keyof P & string)[];
  answer(values: ArgumentsOf<P>, call: Call): Promise<string>;
}

/** The run a tool is about. */
export const RUN = {
  type: 'string',
  description: "A run id as list_runs shows it, the beginning of one, or 'last' for the newest.",
} as const;

const MAX_CHARS = {
  type: 'integer',
  minimum: LEAST_CHARACTERS,
  maximum: MOST_CHARACTERS,
  description: `How long the answer may be, in characters; ${USUAL_CHARACTERS} by default.`,
} as const;

/** Makes a tool out of its spec: the bound of the answer and the checking are the same for all. */
export function defineTool<const P extends Parameters>(spec: ToolSpec<P>): Tool {
  const { name, title, description, required = [] } = spec;
  const parameters = { ...spec.parameters, max_chars: MAX_CHARS };
  return {
    name,
    title,
    description,
    parameters,
    required,
    async answer(given, context) {
      const { max_chars, ...rest } = given;
      let notes = '';
      const note = (sentence: string) => {
        notes += `${sentence}\n`;
      };
      const known = Object.keys(parameters);
      const { max_chars: asked } = checkArguments({ max_chars }, { max_chars: MAX_CHARS }, { note });
      const values = checkArguments(rest, spec.parameters, { required, known, note });
      const again = asked === undefined ? {} : { max_chars: asked };
      const most = (asked ?? USUAL_CHARACTERS) - notes.length;
      return notes + (await spec.answer(values, { ...context, again, most }));
    },
  };
}
