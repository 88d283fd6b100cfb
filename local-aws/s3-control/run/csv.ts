/**
 * Splits a CSV into rows: quoted fields, doubled quotes and line ends inside quotes, LF or CRLF. Undefined for a quote
 * that is not closed or stands in the middle of a field.
 */
export function parseCsv(text: string): readonly (readonly string[])[] | undefined {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at);
    if (field === undefined) return undefined;
    row.push(field.value);
    at = field.end;
    if (text[at] === ',') {
      at += 1;
      if (at < text.length) continue;
      row.push('');
    }
    at += text.startsWith('\r\n', at) ? 2 : 1;
    rows.push(row);
    row = [];
  }
  return rows;
}

function plainField(text: string, from: number): { readonly value: string; readonly end: number } | undefined {
  let end = from;
  while (end < text.length && !',\n'.includes(text[end] ?? '')) end += 1;
  if (text[end - 1] === '\r' && end > from) end -= 1;
  const value = text.slice(from, end);
  return value.includes('"') ? undefined : { value, end };
}

function quotedField(text: string, from: number): { readonly value: string; readonly end: number } | undefined {
  let value = '';
  let at = from + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return undefined;
    value += text.slice(at, quote);
    at = quote + 1;
    if (text[at] !== '"') break;
    value += '"';
    at += 1;
  }
  const next = text[at];
  return next === undefined || next === ',' || next === '\n' || next === '\r' ? { value, end: at } : undefined;
}

/** A key as manifests and reports carry it: form encoding that leaves `/` alone, a space as `+`. */
export function encodeListedKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/')
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The key back, `+` read as a space; undefined for broken percent-encoding. */
export function decodeListedKey(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** Always quoted, quotes doubled. */
export const quotedCsv = (fields: readonly string[]): string =>
  fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(',');

/** Quoted where the text would not stand alone. */
export const plainCsv = (fields: readonly string[]): string =>
  fields.map((field) => (/[",\r\n]/.test(field) ? quotedCsv([field]) : field)).join(',');
