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
  const reader = new RecordReader();
  try {
    for await (const chunk of chunks) yield* reader.read(decoder.decode(chunk, { stream: true }));
    yield* reader.read(decoder.decode());
  } catch (error) {
    if (error instanceof TypeError) throw new RangeError('it holds bytes that are no UTF-8', { cause: error });
    throw error;
  }
  yield* reader.end();
}

class RecordReader {
  #record: string[] = [];
  #field = '';
  #isQuoted = false;
  /** A quote inside quotes was the last character: a second one means a quote, anything else the end of the field. */
  #wasQuote = false;

  *read(text: string): Generator<readonly string[], void, undefined> {
    for (const character of text) {
      if (this.#isQuoted && !this.#wasQuote) {
        if (character === '"') this.#wasQuote = true;
        else this.#field += character;
        continue;
      }
      if (this.#wasQuote && character === '"') {
        this.#field += '"';
        this.#wasQuote = false;
        continue;
      }
      if (this.#wasQuote) this.#isQuoted = false;
      this.#wasQuote = false;
      if (character === '"' && this.#field === '') this.#isQuoted = true;
      else if (character === ',') this.#endField();
      else if (character === '\n') yield* this.#endRecord();
      else this.#field += character;
    }
  }

  *end(): Generator<readonly string[], void, undefined> {
    if (this.#isQuoted && !this.#wasQuote) throw new RangeError('it ends inside quotes');
    yield* this.#endRecord();
  }

  #endField(): void {
    this.#record.push(this.#field);
    this.#field = '';
    this.#isQuoted = false;
  }

  *#endRecord(): Generator<readonly string[], void, undefined> {
    this.#field = this.#field.endsWith('\r') ? this.#field.slice(0, -1) : this.#field;
    if (this.#record.length === 0 && this.#field === '') return;
    this.#endField();
    const record = this.#record;
    this.#record = [];
    yield record;
  }
}
