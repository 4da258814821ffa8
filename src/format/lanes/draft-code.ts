/**
 * Code made of a schema that checks a draft, copies it and makes its text; see `draft-lane.ts` for what it promises.
 *
 * Why it is so, by figures of one machine (us for each draft of five fields): walking the shape 3.2, this code 0.5. Keys are compared
 * in a `switch`, since asking for each whether it is an own property takes longer; a short text of plain characters is quoted as it is,
 * since `JSON.stringify` takes 0.1 for each text however short.
 */
import { defaultOf } from '../check.js';
import type { Field, LogEvent, Shape } from '../schema.js';
import type { StandardSchema } from '../standard-schema.js';
import { copyJson, isPlainPath, quoted, written } from './draft-values.js';
import { compiled } from './event-code.js';

/** Copies a draft; undefined where the lane is in doubt. The text of its fields is in `written`. */
export type CopyDraft = (draft: unknown, runId: string) => LogEvent | undefined;

/** Makes the code for the drafts of one type; undefined where code from text is forbidden. */
export function draftCode(shape: Shape): CopyDraft | undefined {
  const code = new DraftCode();
  const copy = code.record(shape, true);
  const words = code.words.map(list => new Map(list.map(word => [word, JSON.stringify(word)])));
  const make = compiled<(...given: unknown[]) => CopyDraft>(
    `(written, quoted, isPlainPath, json, words, schemas) => { ${code.functions.join('\n')}\nreturn ${copy}; }`,
  );
  return make?.(written, quoted, isPlainPath, copyJson, words, code.schemas);
}

/** Collects the functions of a type: one for its drafts, and one for each object and list in them. */
class DraftCode {
  readonly functions: string[] = [];
  readonly words: (readonly string[])[] = [];
  readonly schemas: (StandardSchema | undefined)[] = [];

  /** The name of a function that copies an object and leaves its text. */
  record(shape: Shape, isDraft: boolean): string {
    const { fields } = shape;
    const cases = fields.map(
      ({ name }, place) => `case ${JSON.stringify(name)}: v${place} = source.${name}; break;`,
    );
    const names = fields.map((_, place) => `v${place}, t${place} = ''`);
    return this.#function(
      isDraft ? 'source, runId' : 'source',
      `if (typeof source !== 'object' || source === null || Array.isArray(source)) return undefined;
      ${['tagged = false', ...names].map(name => `let ${name};`).join(' ')}
      const keys = Object.keys(source);
      for (let i = 0; i < keys.length; i++) {
        switch (keys[i]) {
          ${isDraft ? "case 'type': tagged = true; break;" : ''}
          ${cases.join('\n')}
          default: if (source[keys[i]] !== undefined) return undefined;
        }
      }
      ${isDraft ? 'if (!tagged) return undefined;' : ''}
      ${fields.map((field, place) => this.#fieldCode(field, place, isDraft)).join('\n')}
      ${copyCode(shape, isDraft)}
      written.text = ${isDraft ? textsCode(fields) : `'{' + ${innerTextsCode(fields)} + '}'`};
      return copy;`,
    );
  }

  /** Checks `v`, which it may replace by its copy, and makes `t`, the text of the field with its key. */
  #fieldCode(field: Field, place: number, isDraft: boolean): string {
    const { name, spec } = field;
    const [value, text] = [`v${place}`, `t${place}`];
    const leads = place === 0 && !isDraft && spec.presence === undefined;
    const key = json(`${leads ? '' : ','}"${name}":`);
    const take = `${this.#valueCode(field, value, text)}\n${text} = ${key} + ${text};`;
    // An own property that is not enumerable, or one that is inherited: the strict lane knows which counts.
    const absent = `if (source.${name} !== undefined) return undefined;`;
    if (spec.presence === undefined) return take;
    if (spec.presence === 'optional') return `if (${value} === undefined) { ${absent} } else { ${take} }`;
    const whenDefault = spec.type === 'list' ? `${value}.length === 0` : `${value} === ${json(spec.default)}`;
    return `if (${value} === undefined) { ${absent} ${value} = ${json(defaultOf(field))}; }
      else { ${take} if (${whenDefault}) ${text} = ''; }`;
  }

  /** Checks the value, replaces it by its copy, and sets its text. */
  #valueCode(field: Field, value: string, text: string): string {
    const { spec, shape, item } = field;
    const doubt = 'return undefined;';
    switch (spec.type) {
      case 'string':
        return `if (typeof ${value} !== 'string') ${doubt}
          ${text} = quoted(${value}); if (${text} === '') ${doubt}
          ${spec.draft === 'relative-path' ? `if (!isPlainPath(${value})) ${doubt}` : ''}`;
      case 'enum':
        return `${text} = words[${this.words.push(spec.values) - 1}].get(${value}); if (${text} === undefined) ${doubt}
          ${spec.values.some(word => !ASCII.test(word)) ? 'written.wide = true;' : ''}`;
      case 'integer':
        return `if (!Number.isInteger(${value}) || ${value} < ${spec.min} || ${value} > ${spec.max} || ${isMinusZero(value)}) ${doubt}
          ${text} = '' + ${value};`;
      case 'number':
        return `if (!Number.isFinite(${value}) || ${isMinusZero(value)}) ${doubt} ${text} = '' + ${value};`;
      case 'boolean':
        return `if (typeof ${value} !== 'boolean') ${doubt} ${text} = '' + ${value};`;
      case 'json':
        return `${value} = json(${value}, schemas[${this.schemas.push(spec.schema) - 1}]); if (${value} === undefined) ${doubt}
          ${text} = JSON.stringify(${value}); written.wide = true;`;
      case 'object':
        return this.#inner(value, text, shape === undefined ? undefined : this.record(shape, false));
      case 'list':
        return this.#inner(value, text, item === undefined ? undefined : this.#list(item));
    }
  }

  #inner(value: string, text: string, name: string | undefined): string {
    return `${value} = ${name}(${value}); if (${value} === undefined) return undefined; ${text} = written.text;`;
  }

  #list(item: Field): string {
    return this.#function(
      'source',
      `if (!Array.isArray(source) || source[Symbol.iterator] !== Array.prototype[Symbol.iterator]) return undefined;
      const copy = [];
      let text = '', each, part;
      for (let i = 0; i < source.length; i++) {
        each = source[i];
        ${this.#valueCode(item, 'each', 'part')}
        copy.push(each);
        text += i === 0 ? part : ',' + part;
      }
      written.text = '[' + text + ']';
      return copy;`,
    );
  }

  #function(parameters: string, body: string): string {
    const name = `copy${this.functions.length}`;
    this.functions.push(`const ${name} = (${parameters}) => { ${body} };`);
    return name;
  }
}

const ASCII = /^[\0-\x7f]*$/;

function json(value: unknown): string {
  return JSON.stringify(value);
}

function isMinusZero(value: string): string {
  return `(${value} === 0 && 1 / ${value} < 0)`;
}

/** The copy, in the order of the schema: a literal up to the first optional field, then what is there. */
function copyCode({ tag, fields }: Shape, isDraft: boolean): string {
  const optional = fields.findIndex(({ spec }) => spec.presence === 'optional');
  const sure = optional < 0 ? fields : fields.slice(0, optional);
  const start = isDraft ? [`type: ${json(tag)}, id: '', ts: '', run_id: runId`] : [];
  const literal = [...start, ...sure.map(({ name }, place) => `${name}: v${place}`)].join(', ');
  const others = fields.slice(sure.length).map(({ name, spec }, index) => {
    const value = `v${sure.length + index}`;
    return `${spec.presence === 'optional' ? `if (${value} !== undefined) ` : ''}copy.${name} = ${value};`;
  });
  return `const copy = { ${literal} }; ${others.join(' ')}`;
}

function textsCode(fields: readonly Field[]): string {
  return fields.length === 0 ? "''" : fields.map((_, place) => `t${place}`).join(' + ');
}

/** The texts of the fields of an object: the first that is there has no comma. */
function innerTextsCode(fields: readonly Field[]): string {
  return fields.length === 0 || fields[0]?.spec.presence === undefined
    ? textsCode(fields)
    : `(${textsCode(fields)}).slice(1)`;
}
