import { Readable } from 'node:stream';
import { csvRecords } from '../lib/batch/csv';

/**
 * Rows a second of CPU time that a report of a job is read with: by `lib/batch/csv.ts`, and by csv-parse where it is installed
 * (`npm install --no-save csv-parse@6.2.1`). See docs/decisions/csv-reader.md.
 */
const ROWS = Number(process.argv[2] ?? 1_000_000);
const CHUNK = 64 * 1024;

type Records = AsyncIterable<readonly string[]>;

/** Half of the rows as S3 writes reports, all fields in quotes, half without. */
function* chunks(): Generator<Buffer, void, undefined> {
  let text = '';
  for (let at = 0; at < ROWS; at += 1) {
    const fields = ['ledger-of-the-team', `2026/11/invoice-${at}.pdf`, `v${at}`, 'succeeded', '200', '', 'Successful'];
    text += `${(at % 2 === 0 ? fields.map((field) => `"${field}"`) : fields).join(',')}\n`;
    if (text.length < CHUNK) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

async function measure(name: string, records: Records): Promise<number> {
  const before = process.cpuUsage();
  let rows = 0;
  for await (const record of records) {
    if (record.length !== 7) throw new RangeError(`${name}: a record of ${record.length} fields`);
    rows += 1;
  }
  if (rows !== ROWS) throw new RangeError(`${name}: ${rows} of ${ROWS} rows`);
  const { user, system } = process.cpuUsage(before);
  const perSecond = Math.round((rows / (user + system)) * 1e6);
  process.stdout.write(`${JSON.stringify({ reader: name, rows, rowsPerCpuSecond: perSecond })}\n`);
  return perSecond;
}

async function csvParse(): Promise<((source: Readable) => Records) | undefined> {
  const specifier: string = 'csv-parse';
  try {
    const { parse } = (await import(specifier)) as { parse(options: object): NodeJS.ReadWriteStream };
    return (source) => source.pipe(parse({})) as unknown as Records;
  } catch {
    return undefined;
  }
}

async function main(): Promise<void> {
  const prepared = [...chunks()];
  const own = await measure('lib/batch/csv.ts', csvRecords(Readable.from(prepared)));
  const other = await csvParse();
  if (!other) return;
  const theirs = await measure('csv-parse', other(Readable.from(prepared)));
  process.stdout.write(`${JSON.stringify({ ratio: Number((own / theirs).toFixed(1)) })}\n`);
}

void main();
