/** Characters of one record at most: a quote that is never closed must not fill the memory. */
const MAX_RECORD = 1024 * 1024;

/**
 * Reads the records of a CSV as RFC 4180 has it, from chunks of any size: fields in quotes may hold commas, line ends and
 * doubled quotes.
 *
 * @throws RangeError for bytes that are no UTF-8, and for a quote that is never closed
 */
export async function* csvRecords(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly string[], void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of chunks) {
    const text = rest + decode(decoder, chunk);
    const { records, end } = wholeRecords(text);
    yield* records;
    rest = text.slice(end);
    if (rest.length > MAX_RECORD) throw new RangeError(`it is longer than ${MAX_RECORD} characters`);
  }
  rest += decode(decoder, undefined);
  if (rest === '') return;
  const { records, end } = wholeRecords(`${rest}\n`);
  if (end <= rest.length) throw new RangeError('it ends inside quotes');
  yield* records;
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk: Uint8Array | undefined): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch (error) {
    throw new RangeError('it holds bytes that are no UTF-8', { cause: error });
  }
}

/** The records that end in a text, and where the last of them ends. */
function wholeRecords(text: string): { readonly records: readonly (readonly string[])[]; readonly end: number } {
  const records: (readonly string[])[] = [];
  let end = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', end)) {
    const line = text.slice(end, at);
    if (!line.includes('"')) {
      if (line !== '' && line !== '\r') records.push(withoutReturn(line).split(','));
      end = at + 1;
      continue;
    }
    const record = quotedRecord(text, end);
    if (!record) break;
    records.push(record.fields);
    end = record.end;
  }
  return { records, end };
}

/** A record with quotes in it; undefined: it does not end in this text. */
function quotedRecord(
  text: string,
  start: number,
): { readonly fields: readonly string[]; readonly end: number } | undefined {
  const fields: string[] = [];
  for (let at = start; ; ) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at);
    if (!field) return undefined;
    fields.push(field.value);
    if (text[field.end] === '\n') return { fields, end: field.end + 1 };
    at = field.end + 1;
  }
}

interface Field {
  readonly value: string;
  /** Where the comma or line end behind it stands. */
  readonly end: number;
}

function plainField(text: string, start: number): Field | undefined {
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === ',') return { value: text.slice(start, at), end: at };
    if (text[at] === '\n') return { value: withoutReturn(text.slice(start, at)), end: at };
  }
  return undefined;
}

function quotedField(text: string, start: number): Field | undefined {
  let value = '';
  for (let at = start + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0 || quote + 1 >= text.length) return undefined;
    value += text.slice(at, quote);
    at = quote + 2;
    if (text[quote + 1] === '"') {
      value += '"';
      continue;
    }
    // What stands behind the closing quote belongs to the field, as lenient readers have it.
    const tail = plainField(text, quote + 1);
    return tail && { value: value + tail.value, end: tail.end };
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
