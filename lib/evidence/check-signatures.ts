/** Checks the signatures of runs offline. It shares the names of the format with the writer and nothing else. */
import { createHash, type KeyObject, verify } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { CheckedFile, EvidenceFault } from './checked-evidence';
import { EVIDENCE_SUFFIX, PAYLOAD_TYPE, PREDICATE_TYPE, SIGNATURE_SUFFIX, STATEMENT_TYPE } from './evidence-record';

/** A larger file is no signature. */
const MOST_BYTES = 64 * 1024;

/** What is found out about the signature of one run. */
export interface SignatureFinding {
  readonly faults: readonly EvidenceFault[];
  /** `checked`: by one of the given keys. `not-checked`: there is one, and no key was given. */
  readonly signature: NonNullable<CheckedFile['signature']>;
}

interface Envelope {
  readonly payload: Buffer;
  readonly signatures: readonly { readonly keyid: string; readonly sig: Buffer }[];
}

/**
 * A run must be signed where its first record declares a signer, or where a key is given.
 *
 * @param publicKeys - of every signer that is trusted; undefined: signatures are compared with their run only
 */
export async function checkSignature(
  checked: CheckedFile,
  publicKeys: readonly KeyObject[] | undefined,
): Promise<SignatureFinding> {
  const { file, head, signer } = checked;
  const fault = (code: EvidenceFault['code'], problem: string): EvidenceFault => ({ file, line: 0, code, problem });
  const bytes = await readFile(signatureOf(file)).catch(() => undefined);
  if (bytes === undefined) {
    if (signer === undefined && publicKeys === undefined) return { faults: [], signature: 'none' };
    const why = signer === undefined ? '' : `, and its first record declares the signer ${JSON.stringify(signer)}`;
    const how =
      checked.outcome === undefined
        ? 'the run was not closed, so nobody signed it'
        : 'the signature was removed, or signing failed';
    return {
      faults: [fault('not-signed', `its head is not signed${why}: ${how}`)],
      signature: 'none',
    };
  }
  const envelope = readEnvelope(bytes);
  const statement = envelope && parsed(envelope.payload.toString('utf8'));
  if (envelope === undefined || statement === undefined)
    return {
      faults: [fault('not-a-signature', 'the file with its signature is no DSSE envelope of an in-toto statement')],
      signature: 'none',
    };
  const faults: EvidenceFault[] = [];
  if (!(await isAbout(statement, file, head)))
    faults.push(
      fault('signature-of-another-head', 'the signature is over another head: records were removed, added or changed'),
    );
  if (publicKeys === undefined) return { faults, signature: 'not-checked' };
  const verdict = verdictOf(envelope, publicKeys);
  if (verdict !== undefined) faults.push(fault(verdict, PROBLEMS[verdict]));
  return { faults, signature: faults.length === 0 ? 'checked' : 'none' };
}

const PROBLEMS = {
  'wrong-signature': 'the signature does not fit the statement: one of the two was changed',
  'signed-by-another-key': 'none of the given public keys made the signature',
} as const;

function verdictOf(
  { payload, signatures }: Envelope,
  publicKeys: readonly KeyObject[],
): keyof typeof PROBLEMS | undefined {
  const lengths = [Buffer.byteLength(PAYLOAD_TYPE), payload.length];
  const covered = Buffer.concat([Buffer.from(['DSSEv1', lengths[0], PAYLOAD_TYPE, lengths[1], ''].join(' ')), payload]);
  const made = publicKeys.some((key) => signatures.some(({ sig }) => verify(digestOf(key), covered, key, sig)));
  if (made) return undefined;
  const ids = new Set(publicKeys.map(hashOfKey));
  return signatures.some(({ keyid }) => ids.has(keyid)) ? 'wrong-signature' : 'signed-by-another-key';
}

const digestOf = ({ asymmetricKeyType }: KeyObject): string | null =>
  asymmetricKeyType === 'ed25519' ? null : 'sha256';

const hashOfKey = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex');

/** A run that nobody signed, with the signed run after it that names its head: what was written before the kill is known then. */
export function withVoucher(one: EvidenceFault, files: readonly CheckedFile[]): EvidenceFault {
  if (one.code !== 'not-signed') return one;
  const { head } = files.find(({ file }) => file === one.file) ?? {};
  const isNext = ({ follows }: CheckedFile): boolean =>
    head !== undefined && follows?.head === head && follows.file === path.basename(one.file);
  const next = files.find((file) => isNext(file) && file.signature !== 'none');
  if (next === undefined) return one;
  const is = next.signature === 'checked' ? 'is signed' : 'has a signature that was not checked';
  return { ...one, problem: `${one.problem}; ${path.basename(next.file)} names this head and ${is}` };
}

/** Signatures in a directory whose run is not there: the run was removed, and its signature was forgotten. */
export async function strayFaults(directory: string): Promise<readonly EvidenceFault[]> {
  const names = new Set(await readdir(directory));
  return [...names]
    .filter((name) => name.endsWith(SIGNATURE_SUFFIX))
    .filter((name) => !names.has(`${name.slice(0, -SIGNATURE_SUFFIX.length)}${EVIDENCE_SUFFIX}`))
    .sort()
    .map((name) => ({
      file: path.join(directory, name),
      line: 0,
      code: 'signature-without-run' as const,
      problem: 'the run that it signs is missing',
    }));
}

const signatureOf = (file: string): string => `${file.slice(0, -EVIDENCE_SUFFIX.length)}${SIGNATURE_SUFFIX}`;

function readEnvelope(bytes: Buffer): Envelope | undefined {
  const value = bytes.length > MOST_BYTES ? undefined : parsed(bytes.toString('utf8'));
  if (value?.payloadType !== PAYLOAD_TYPE || typeof value.payload !== 'string') return undefined;
  if (!Array.isArray(value.signatures) || value.signatures.length === 0) return undefined;
  const signatures = value.signatures.flatMap((one: unknown) => {
    const { keyid, sig } = (one ?? {}) as { keyid?: unknown; sig?: unknown };
    return typeof sig === 'string' ? [{ keyid: String(keyid), sig: Buffer.from(sig, 'base64') }] : [];
  });
  return { payload: Buffer.from(value.payload, 'base64'), signatures };
}

/** The statement names this file by its name and bytes, and this head; a later member makes it no other statement. */
async function isAbout(
  statement: Readonly<Record<string, unknown>>,
  file: string,
  head: string | undefined,
): Promise<boolean> {
  const [subject, ...others] = Array.isArray(statement.subject) ? (statement.subject as unknown[]) : [];
  const { name, digest } = (subject ?? {}) as { name?: unknown; digest?: { sha256?: unknown } };
  const predicate = (statement.predicate ?? {}) as { head?: unknown };
  return (
    statement._type === STATEMENT_TYPE &&
    statement.predicateType === PREDICATE_TYPE &&
    others.length === 0 &&
    name === path.basename(file) &&
    predicate.head === head &&
    digest?.sha256 === (await sha256Of(file))
  );
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
