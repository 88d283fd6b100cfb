import { KmsFault } from '../message';

/** Reads one value of a request; what is wrong with it goes to `faults`, in KMS's words. `path` is empty at the top. */
export interface Shape<T> {
  readonly required?: boolean;
  read(value: unknown, path: string, faults: string[]): T;
}

/** A member that must be there. */
export type Required<T> = Shape<T> & { readonly required: true };

export type ValueOf<S> = S extends Shape<infer T> ? T : never;

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

export function required<T>(shape: Shape<T>): Required<T> {
  return { ...shape, required: true };
}

/** Length is counted in characters. */
export function string({ min, max, pattern }: Bounds & { readonly pattern?: RegExp } = {}): Shape<string> {
  return {
    read(value, path, faults) {
      if (typeof value !== 'string') throw wrongType(value, 'String');
      checkBounds(value.length, value, path, { min, max }, 'length', faults);
      if (pattern !== undefined && !new RegExp(`^(?:${pattern.source})$`, pattern.flags).test(value)) {
        faults.push(fault(value, path, `Member must satisfy regular expression pattern: ${pattern.source}`));
      }
      return value;
    },
  };
}

export function oneOf<const T extends string>(values: readonly T[]): Shape<T> {
  return {
    read(value, path, faults) {
      if (typeof value !== 'string') throw wrongType(value, 'String');
      const found = values.find((known) => known === value);
      if (found !== undefined) return found;
      faults.push(fault(value, path, `Member must satisfy enum value set: [${values.join(', ')}]`));
      return values[0] as T;
    },
  };
}

/** Bytes, base64 on the wire. */
export function blob({ min, max }: Bounds): Shape<Buffer> {
  return {
    read(value, path, faults) {
      if (typeof value !== 'string') throw wrongType(value, 'Blob');
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw serialization('Unable to parse a base64 blob');
      const bytes = Buffer.from(value, 'base64');
      checkBounds(
        bytes.length,
        `java.nio.HeapByteBuffer[pos=0 lim=${bytes.length} cap=${bytes.length}]`,
        path,
        { min, max },
        'length',
        faults,
      );
      return bytes;
    },
  };
}

export function integer({ min, max }: Bounds): Shape<number> {
  return {
    read(value, path, faults) {
      if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(value, 'Integer');
      checkBounds(value, String(value), path, { min, max }, 'value', faults);
      return value;
    },
  };
}

export const boolean: Shape<boolean> = {
  read(value) {
    if (typeof value !== 'boolean') throw wrongType(value, 'Boolean');
    return value;
  },
};

/** Seconds since the epoch on the wire, with a fraction; milliseconds here. */
export const timestamp: Shape<number> = {
  read(value) {
    if (typeof value !== 'number') throw wrongType(value, 'Timestamp');
    return Math.round(value * 1000);
  },
};

export function list<T>(item: Shape<T>, bounds: Bounds = {}): Shape<T[]> {
  return {
    read(value, path, faults) {
      if (!Array.isArray(value)) throw wrongType(value, 'List');
      checkBounds(value.length, `[${value.join(', ')}]`, path, bounds, 'length', faults);
      return value.map((entry, index) => item.read(entry, `${path}.${index + 1}.member`, faults));
    },
  };
}

export const stringMap: Shape<Record<string, string>> = {
  read(value) {
    if (!isObject(value)) throw wrongType(value, 'Map');
    for (const entry of Object.values(value)) if (typeof entry !== 'string') throw wrongType(entry, 'String');
    return value as Record<string, string>;
  },
};

type Members = Readonly<Record<string, Shape<unknown>>>;
type StructureOf<M extends Members> = {
  readonly [K in keyof M as M[K] extends Required<unknown> ? K : never]: ValueOf<M[K]>;
} & { readonly [K in keyof M as M[K] extends Required<unknown> ? never : K]?: ValueOf<M[K]> };

/** A structure with these members and no others. A member that is `null` counts as left out. */
export function structure<const M extends Members>(members: M): Shape<StructureOf<M>> {
  return {
    read(value, path, faults) {
      if (!isObject(value)) throw wrongType(value, 'Structure');
      const result: Record<string, unknown> = {};
      const prefix = path === '' ? '' : `${path}.`;
      for (const name of Object.keys(value)) {
        if (!Object.hasOwn(members, name))
          faults.push(fault(name, `${prefix}${lowerFirst(name)}`, 'Member must be known to the operation'));
      }
      for (const [name, shape] of Object.entries(members)) {
        const given = value[name];
        const memberPath = `${prefix}${lowerFirst(name)}`;
        if (given !== undefined && given !== null) result[name] = shape.read(given, memberPath, faults);
        else if (shape.required)
          faults.push(`Value null at '${memberPath}' failed to satisfy constraint: Member must not be null`);
      }
      return result as StructureOf<M>;
    },
  };
}

/** Reads a whole request. Throws {@link KmsFault} `ValidationException` with every fault, or `SerializationException`. */
export function readInput<T>(shape: Shape<T>, value: unknown): T {
  const faults: string[] = [];
  const input = shape.read(value, '', faults);
  if (faults.length === 0) return input;
  const noun = faults.length === 1 ? 'error' : 'errors';
  throw new KmsFault('ValidationException', `${faults.length} validation ${noun} detected: ${faults.join('; ')}`);
}

function checkBounds(
  measure: number,
  shown: string,
  path: string,
  { min, max }: Bounds,
  what: 'length' | 'value',
  faults: string[],
): void {
  if (min !== undefined && measure < min) {
    faults.push(fault(shown, path, `Member must have ${what} greater than or equal to ${min}`));
  }
  if (max !== undefined && measure > max) {
    faults.push(fault(shown, path, `Member must have ${what} less than or equal to ${max}`));
  }
}

const fault = (value: string, path: string, constraint: string): string =>
  `Value '${value}' at '${path}' failed to satisfy constraint: ${constraint}`;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const lowerFirst = (name: string): string => name.slice(0, 1).toLowerCase() + name.slice(1);

function wrongType(value: unknown, expected: string): KmsFault {
  const given = Array.isArray(value) ? 'LIST' : typeof value === 'object' ? 'STRUCTURE' : typeof value;
  return serialization(`${given.toUpperCase()}_VALUE cannot be converted to ${expected}`);
}

const serialization = (message: string): KmsFault => new KmsFault('SerializationException', message);
