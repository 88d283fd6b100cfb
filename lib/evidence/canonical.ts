/**
 * Canonical JSON (RFC 8785): one record has exactly one text, and so one hash. Members are sorted by UTF-16 code units,
 * there is no white space, and numbers and strings are as ECMAScript writes them. One difference: RFC 8785 refuses a
 * lone surrogate. This writes its `\u` escape, because an unusual object key must not end a run.
 */

/** An age identity or a PEM private key: evidence must contain neither. */
const SECRET = /AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{58}|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/i;

/**
 * The canonical text of plain data. Members that are `undefined` are left out; a `Date` becomes its ISO 8601 text.
 *
 * @throws TypeError for anything that is not plain data, with its place and never its value. Bytes are refused because
 * they may be key material, and so is text that holds a private key. Refused as well: class instances, functions,
 * symbols, bigints, numbers that are not finite, `undefined` in a list, a structure that holds itself.
 */
export function canonicalJson(value: unknown): string {
  return written(value, '$', []);
}

function written(value: unknown, place: string, parents: readonly unknown[]): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quoted(value, place);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (typeof value !== 'object')
    throw refused(place, typeof value === 'number' ? 'a number that is not finite' : typeof value);
  if (value instanceof Date) return quoted(dated(value, place), place);
  if (parents.includes(value)) throw refused(place, 'a circular structure');
  const inside = [...parents, value];
  if (Array.isArray(value))
    return `[${Array.from(value, (item, index) => written(item, `${place}[${index}]`, inside)).join(',')}]`;
  return members(value, place, inside);
}

function members(value: object, place: string, parents: readonly unknown[]): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer)
    throw refused(place, 'bytes');
  if (prototype !== Object.prototype && prototype !== null && !fromAnotherRealm(prototype))
    throw refused(place, 'an object that is not plain data');
  const texts = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${quoted(key, place)}:${written(member, `${place}.${key}`, parents)}`);
  return `{${texts.join(',')}}`;
}

/** Jest and `node:vm` give data another `Object.prototype`; it is still the root of its chain. */
function fromAnotherRealm(prototype: unknown): boolean {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'hasOwnProperty')
  );
}

function quoted(text: string, place: string): string {
  if (SECRET.test(text)) throw refused(place, 'text that holds a private key');
  return JSON.stringify(text);
}

function dated(value: Date, place: string): string {
  if (Number.isNaN(value.getTime())) throw refused(place, 'an invalid date');
  return value.toISOString();
}

const refused = (place: string, kind: string): TypeError => new TypeError(`evidence cannot hold ${kind} (at ${place})`);
