/**
 * Checks evidence offline. It shares only the record format with the writer. Its canonical JSON is a second
 * implementation on purpose, so that a bug in the writer does not confirm itself.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { KeyturnError } from '../errors';
import { type OutcomesFile, outcomeFaults, outcomesIn } from './check-outcomes';
import { followed, headFaults, isOpening, linkFaults } from './check-runs';
import { checkSignature, strayFaults, withVoucher } from './check-signatures';
import type { CheckedFile, EvidenceCheck, EvidenceFault, EvidenceFaultCode } from './checked-evidence';
import { EVIDENCE_SCHEMA_VERSION, EVIDENCE_SUFFIX, NO_PREVIOUS, RUN_CLOSED, RUN_OPENED } from './evidence-record';

/** Outcomes of a run that names every file it wrote. */
const NAMES_ALL: ReadonlySet<string> = new Set(['finished', 'interrupted']);

/** Maximum length of a line, which limits the memory of a check. */
const LINE_BYTES = 16 * 1024 * 1024;

/**
 * Checks one evidence file, or every `*.ndjson` directly in a directory, in the order of their names; in a directory
 * also that the previous run of each run exists.
 *
 * @param heads - the heads that were saved elsewhere: each must be found, and no other.
 * @param publicKeys - the keys of every trusted signer: each run must be signed by one of them.
 * @throws KeyturnError `evidence-missing` if there is nothing to check
 */
export async function checkEvidence(
  target: string,
  heads?: readonly string[],
  publicKeys?: readonly KeyObject[],
): Promise<EvidenceCheck> {
  const names = await evidenceFiles(target).catch((error: unknown) => Promise.reject(unreadable(target, error)));
  if (names.length === 0)
    throw new KeyturnError('evidence-missing', { path: target, reason: `no *${EVIDENCE_SUFFIX} in it` });
  const files: CheckedFile[] = [];
  const faults: EvidenceFault[] = [];
  for (const name of names) {
    const checked = checkFile(name, (fault) => faults.push({ file: name, ...fault }));
    const file = await checked.catch((error: unknown) => Promise.reject(unreadable(name, error)));
    const { signature, faults: unsigned } = await checkSignature(file, publicKeys);
    files.push({ ...file, signature });
    faults.push(...unsigned);
  }
  const alone = names.length === 1 && names[0] === target;
  if (!alone) faults.push(...linkFaults(files), ...(await strayFaults(target)));
  if (heads) faults.push(...headFaults(target, files, heads));
  const beginnings = files.filter((file) => file.follows === undefined && !file.concurrentRun).length;
  const records = files.reduce((sum, file) => sum + file.records, 0);
  return { files, records, faults: faults.map((fault) => withVoucher(fault, files)), beginnings };
}

const unreadable = (target: string, error: unknown): KeyturnError =>
  new KeyturnError(
    'evidence-missing',
    { path: target, reason: (error as NodeJS.ErrnoException).code ?? String(error) },
    error,
  );

async function evidenceFiles(target: string): Promise<string[]> {
  if (!(await stat(target)).isDirectory()) return [target];
  const names = await readdir(target);
  return names
    .filter((name) => name.endsWith(EVIDENCE_SUFFIX))
    .sort()
    .map((name) => path.join(target, name));
}

type Report = (fault: Omit<EvidenceFault, 'file'>) => void;

interface ChainState {
  line: number;
  head: string | undefined;
  closed: boolean;
  outcome: string | undefined;
  follows: CheckedFile['follows'];
  concurrentRun: boolean;
  signer: string | undefined;
  readonly outcomes: OutcomesFile[];
}

async function checkFile(file: string, report: Report): Promise<CheckedFile> {
  const state: ChainState = {
    line: 0,
    head: undefined,
    closed: false,
    outcome: undefined,
    follows: undefined,
    concurrentRun: false,
    signer: undefined,
    outcomes: [],
  };
  for await (const { bytes, ended } of linesOf(file)) {
    state.line += 1;
    checkLine(bytes, ended, state, report);
  }
  if (state.line === 0) report({ line: 0, code: 'empty', problem: 'the file holds no record' });
  else if (!state.closed)
    report({
      line: state.line,
      code: 'not-closed',
      problem: 'the last record is not run-closed: records were removed, the run was killed, or it is still running',
    });
  for (const fault of await outcomeFaults(file, state.outcomes, NAMES_ALL.has(state.outcome ?? ''))) report(fault);
  const { head, outcome, follows, concurrentRun, signer } = state;
  return { file, records: state.line, head, outcome, follows, concurrentRun, signer };
}

function checkLine(bytes: Buffer, ended: boolean, state: ChainState, report: Report): void {
  const fault = (code: EvidenceFaultCode, problem: string) => report({ line: state.line, code, problem });
  if (state.closed) fault('after-close', 'there is a record after run-closed');
  if (!ended && bytes.length > LINE_BYTES) fault('line-too-long', `the line is longer than ${LINE_BYTES} bytes`);
  else if (!ended) fault('cut-line', 'the line is truncated');
  const read = readRecord(bytes, fault);
  if (!read) {
    state.closed = false;
    return;
  }
  checkPlace(read.record, state, fault);
  const hash = createHash('sha256').update(read.hashed).digest('hex');
  if (read.record.hash !== hash) fault('wrong-hash', 'the record does not match its hash: it was changed');
  state.head = read.record.hash;
  if (read.record.type === 'outcome' || read.record.type === 'outcomes')
    state.outcomes.push(...outcomesIn(read.record.data, state.line));
  if (state.line === 1) {
    if (!isOpening(read.record.data))
      fault('not-opened', 'the first record names the previous run, a concurrent run or a signer in no known form');
    state.follows = followed(read.record.data.previousRun);
    state.concurrentRun = read.record.data.concurrentRun === true;
    const { signer } = read.record.data;
    state.signer = typeof signer === 'string' ? signer : undefined;
  }
  state.closed = read.record.type === RUN_CLOSED;
  const outcome = read.record.data.outcome;
  state.outcome = state.closed && typeof outcome === 'string' ? outcome : undefined;
}

type FaultOf = (code: EvidenceFaultCode, problem: string) => void;

function checkPlace(record: ReadRecord, state: ChainState, fault: FaultOf): void {
  const previous = state.line === 1 ? NO_PREVIOUS : state.head;
  if (record.seq !== state.line)
    fault('wrong-seq', `the record has number ${record.seq}: records are missing, added or moved`);
  if (previous !== undefined && record.previous !== previous)
    fault('broken-chain', 'the record does not match the previous one: records are missing, added, moved or changed');
  if ((state.line === 1) !== (record.type === RUN_OPENED))
    fault('not-opened', 'only the first record may be run-opened: the start is missing, or files were joined');
}

interface ReadRecord {
  readonly seq: number;
  readonly type: string;
  readonly previous: string;
  readonly hash: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const HASH_SUFFIX = /,"hash":"([0-9a-f]{64})"\}$/;

/** The record of a line and the text that its hash covers; undefined for an invalid line, which is reported. */
function readRecord(bytes: Buffer, fault: FaultOf): { record: ReadRecord; hashed: string } | undefined {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    fault('not-text', 'the line is not UTF-8');
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    fault('not-json', 'the line is not JSON');
    return undefined;
  }
  if (isObject(value) && value.schemaVersion !== EVIDENCE_SCHEMA_VERSION) {
    fault(
      'unknown-version',
      `the record has an unsupported schemaVersion; this check supports ${EVIDENCE_SCHEMA_VERSION}`,
    );
    return undefined;
  }
  const hash = HASH_SUFFIX.exec(text)?.[1];
  if (!isRecord(value) || hash === undefined) {
    fault('not-a-record', 'the line does not have the members of a record');
    return undefined;
  }
  const { hash: _, ...body } = value;
  const hashed = `${text.slice(0, text.length - `,"hash":"${hash}"}`.length)}}`;
  if (!isCanonical(hashed, body)) fault('not-canonical', 'the record is not canonical JSON');
  return { record: value, hashed };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const MEMBERS = 'at data hash previous schemaVersion seq step type';
const HEX = /^[0-9a-f]{64}$/;
const UTC_MILLIS = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

function isRecord(value: unknown): value is Record<string, unknown> & ReadRecord {
  return (
    isObject(value) &&
    Object.keys(value).sort().join(' ') === MEMBERS &&
    Number.isSafeInteger(value.seq) &&
    [value.previous, value.hash].every((hash) => typeof hash === 'string' && HEX.test(hash)) &&
    [value.type, value.step].every((word) => typeof word === 'string' && word !== '') &&
    typeof value.at === 'string' &&
    UTC_MILLIS.test(value.at) &&
    isObject(value.data)
  );
}

function isCanonical(text: string, body: unknown): boolean {
  try {
    return text === sortedJson(body);
  } catch (error) {
    // Nested deeper than the stack, so the writer cannot have written it.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** JSON with the members of every object sorted by code units; for parsed JSON only. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${sortedJson(value[key])}`).join(',')}}`;
}

/** The lines of a file as bytes, without their newline; `ended` tells whether there was one. */
async function* linesOf(file: string): AsyncGenerator<{ bytes: Buffer; ended: boolean }> {
  let rest: Buffer[] = [];
  let length = 0;
  for await (const chunk of createReadStream(file)) {
    let from = 0;
    const bytes: Buffer = chunk;
    for (let to = bytes.indexOf(0x0a); to >= 0; to = bytes.indexOf(0x0a, from)) {
      yield { bytes: Buffer.concat([...rest, bytes.subarray(from, to)]), ended: true };
      rest = [];
      length = 0;
      from = to + 1;
    }
    rest.push(bytes.subarray(from));
    length += bytes.length - from;
    if (length > LINE_BYTES) break;
  }
  if (length > 0) yield { bytes: Buffer.concat(rest), ended: false };
}
