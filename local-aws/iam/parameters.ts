import { IamFault } from './fault';

/** The parameters of a query protocol request, in any order. */
export type Query = ReadonlyMap<string, string>;

/** Reads one parameter. What is wrong with it goes to `faults`, in IAM's words. */
export interface Field<T> {
  /** Names in the query that belong to the parameter. */
  owns(parameter: string, name: string): boolean;
  read(query: Query, name: string, faults: string[]): T;
}

export type Tag = {
  readonly Key: string;
  readonly Value: string;
};

interface Bounds {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
}

/** A text of so many characters. */
export function text(bounds: Bounds = {}): Field<string | undefined> {
  return {
    owns: (parameter, name) => parameter === name,
    read(query, name, faults) {
      const value = query.get(name);
      if (value !== undefined) checkText(value, name, bounds, faults);
      return value;
    },
  };
}

export function number({ min, max }: Required<Pick<Bounds, 'min' | 'max'>>): Field<number | undefined> {
  return {
    owns: (parameter, name) => parameter === name,
    read(query, name, faults) {
      const given = query.get(name);
      if (given === undefined) return undefined;
      const value = /^-?\d{1,12}$/.test(given) ? Number(given) : Number.NaN;
      if (value < min) faults.push(fault(given, name, `have value greater than or equal to ${min}`));
      if (value > max) faults.push(fault(given, name, `have value less than or equal to ${max}`));
      if (Number.isNaN(value)) faults.push(fault(given, name, 'be an integer'));
      return value;
    },
  };
}

/** The same parameter, which must be there. */
export function required<T>(field: Field<T | undefined>): Field<T> {
  return {
    owns: field.owns,
    read(query, name, faults) {
      const value = field.read(query, name, faults);
      if (value === undefined) faults.push(missing(name));
      // With a fault the value is never used: readParameters throws.
      return value as T;
    },
  };
}

/** `Name.member.1.Key`, `Name.member.1.Value`, … */
export const tags: Field<readonly Tag[]> = {
  owns: (parameter, name) => new RegExp(`^${name}\\.member\\.[1-9]\\d*\\.(?:Key|Value)$`).test(parameter),
  read(query, name, faults) {
    return indices(query, name).map((index) => {
      const at = `${name}.member.${index}`;
      const [Key, Value] = [query.get(`${at}.Key`), query.get(`${at}.Value`)];
      if (Key === undefined) faults.push(missing(`${at}.Key`));
      else checkText(Key, `${at}.Key`, { min: 1, max: 128, pattern: /[\p{L}\p{Z}\p{N}_.:/=+\-@]+/u }, faults);
      if (Value === undefined) faults.push(missing(`${at}.Value`));
      else checkText(Value, `${at}.Value`, { max: 256, pattern: /[\p{L}\p{Z}\p{N}_.:/=+\-@]*/u }, faults);
      return { Key: Key ?? '', Value: Value ?? '' };
    });
  },
};

/** `Name.member.1`, … */
export const texts: Field<readonly string[]> = {
  owns: (parameter, name) => new RegExp(`^${name}\\.member\\.[1-9]\\d*$`).test(parameter),
  read: (query, name) => indices(query, name).map((index) => query.get(`${name}.member.${index}`) ?? ''),
};

/** `Name.member.1.ContextKeyName`, `Name.member.1.ContextKeyValues.member.1`, …: values of condition keys by their names. */
export const contextEntries: Field<Readonly<Record<string, readonly string[]>>> = {
  owns: (parameter, name) =>
    new RegExp(
      `^${name}\\.member\\.[1-9]\\d*\\.(?:ContextKeyName|ContextKeyType|ContextKeyValues\\.member\\.[1-9]\\d*)$`,
    ).test(parameter),
  read(query, name, faults) {
    const entries = indices(query, name).map((index) => {
      const at = `${name}.member.${index}`;
      const key = query.get(`${at}.ContextKeyName`);
      if (key === undefined) faults.push(missing(`${at}.ContextKeyName`));
      return [key ?? '', texts.read(query, `${at}.ContextKeyValues`, faults)] as const;
    });
    return Object.fromEntries(entries);
  },
};

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type ValuesOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

const common = new Set(['Action', 'Version']);

/** Reads these parameters. Throws {@link IamFault} `ValidationError` with every fault, for one that is not known too. */
export function readParameters<F extends Fields>(fields: F, query: Query): ValuesOf<F> {
  const faults: string[] = [];
  const values = Object.entries(fields).map(([name, field]) => [name, field.read(query, name, faults)] as const);
  for (const parameter of query.keys()) {
    if (common.has(parameter)) continue;
    if (!Object.entries(fields).some(([name, field]) => field.owns(parameter, name))) {
      faults.push(fault(query.get(parameter) ?? '', parameter, 'be known to the operation'));
    }
  }
  if (faults.length === 0) return Object.fromEntries(values) as ValuesOf<F>;
  const noun = faults.length === 1 ? 'error' : 'errors';
  throw new IamFault('ValidationError', 400, `${faults.length} validation ${noun} detected: ${faults.join('; ')}`);
}

/** The numbers in use after `Name.member.`, in order. */
function indices(query: Query, name: string): readonly number[] {
  const found = new Set<number>();
  for (const parameter of query.keys()) {
    const rest = parameter.startsWith(`${name}.member.`) ? parameter.slice(name.length + '.member.'.length) : '';
    const index = /^[1-9]\d*/.exec(rest)?.[0];
    if (index !== undefined) found.add(Number(index));
  }
  return [...found].sort((a, b) => a - b);
}

function checkText(value: string, name: string, { min, max, pattern }: Bounds, faults: string[]): void {
  if (min !== undefined && value.length < min) {
    faults.push(fault(value, name, `have length greater than or equal to ${min}`));
  }
  if (max !== undefined && value.length > max) {
    faults.push(fault(shortened(value), name, `have length less than or equal to ${max}`));
  }
  if (pattern !== undefined && !new RegExp(`^(?:${pattern.source})$`, pattern.flags).test(value)) {
    faults.push(fault(shortened(value), name, `satisfy regular expression pattern: ${pattern.source}`));
  }
}

const shortened = (value: string): string => (value.length > 200 ? `${value.slice(0, 200)}…` : value);

const fault = (value: string, name: string, must: string): string =>
  `Value '${value}' at '${lowerFirst(name)}' failed to satisfy constraint: Member must ${must}`;

const missing = (name: string): string =>
  `Value null at '${lowerFirst(name)}' failed to satisfy constraint: Member must not be null`;

const lowerFirst = (name: string): string => name.slice(0, 1).toLowerCase() + name.slice(1);
