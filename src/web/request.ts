/** What a request asks for: its path and parameters, checked. */
import { isRunId } from '../index.js';

/** Why a request is refused, with the status to answer. */
export class RequestError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

function wrong(what: string): RequestError {
  return new RequestError(400, 'request', what);
}

/** The parameters of a request. An unknown or repeated one is an error: a typing mistake must not pass for an answer. */
export class Parameters {
  readonly #given: URLSearchParams;

  constructor(given: URLSearchParams, known: readonly string[]) {
    this.#given = given;
    for (const name of given.keys()) {
      if (!known.includes(name))
        throw wrong(`there is no parameter ${name} here; there are ${known.join(', ')}`);
      if (given.getAll(name).length > 1) throw wrong(`the parameter ${name} is given more than once`);
    }
  }

  text(name: string): string | undefined {
    return this.#given.get(name) ?? undefined;
  }

  flag(name: string): boolean {
    const value = this.text(name) ?? '0';
    if (value !== '0' && value !== '1') throw wrong(`${name} is 0 or 1`);
    return value === '1';
  }

  integer(name: string, least: number, most: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
      throw wrong(`${name} is an integer from ${least} up`);
    return Math.min(value, most);
  }

  /** Texts with commas between them. */
  list(name: string, most: number): string[] | undefined {
    const items = this.text(name)?.split(',');
    if (items !== undefined && items.length > most) throw wrong(`${name} takes ${most} at most`);
    return items;
  }

  runId(name: string): string | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : asRunId(text);
  }
}

/** A run id, or an error before anything is made of it. */
export function asRunId(text: string): string {
  if (!isRunId(text)) throw wrong('this is no run id');
  return text;
}

/** A part of a path, decoded. */
export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrong('the address is not well encoded');
  }
}
