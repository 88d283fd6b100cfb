/**
 * Signs the head of a run: an in-toto statement in a DSSE envelope, in a file beside the evidence.
 *
 * @see https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
 * @see https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
 */
import { createHash, type KeyObject, verify } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { KeyturnError } from '../errors';
import { canonicalJson } from './canonical';
import { EVIDENCE_SUFFIX, PAYLOAD_TYPE, PREDICATE_TYPE, SIGNATURE_SUFFIX, STATEMENT_TYPE } from './evidence-record';

/** Who signs the heads of runs. */
export interface EvidenceSigner {
  /** As the rotation file declares it: the ARN of a KMS key, or `ed25519:` and a public key. */
  readonly declared: string;
  readonly publicKey: KeyObject;
  /** Signs the bytes, which are at most 4096: ECDSA over SHA-256 in DER, or Ed25519. */
  sign(bytes: Buffer): Promise<Buffer>;
}

/** The name of a public key in signatures: SHA-256 of its DER (SPKI), lower-case hex. */
export function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest('hex');
}

export interface SignedRun {
  /** Absolute path of the evidence file, which is closed. */
  readonly file: string;
  /** Hash of its last record, as the run knows it. */
  readonly head: string;
  readonly rotation: string;
}

/**
 * Writes `<run>.dsse.json`.
 *
 * @returns its absolute path
 * @throws KeyturnError `evidence-not-signed`
 */
export async function signEvidence(signer: EvidenceSigner, run: SignedRun): Promise<string> {
  const target = `${run.file.slice(0, -EVIDENCE_SUFFIX.length)}${SIGNATURE_SUFFIX}`;
  try {
    const payload = Buffer.from(canonicalJson(await statementOf(run)));
    const signed = preAuthenticationEncoding(payload);
    const signature = await signer.sign(signed);
    if (!fits(signer.publicKey, signed, signature)) throw new Error('the answer does not fit the public key');
    const envelope = {
      payloadType: PAYLOAD_TYPE,
      payload: payload.toString('base64'),
      signatures: [{ keyid: keyIdOf(signer.publicKey), sig: signature.toString('base64') }],
    };
    await using handle = await open(target, 'wx', 0o644);
    await handle.writeFile(`${canonicalJson(envelope)}\n`);
    await handle.sync();
    return target;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KeyturnError('evidence-not-signed', { file: run.file, signer: signer.declared, reason }, error);
  }
}

async function statementOf({ file, head, rotation }: SignedRun): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readFile(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: path.basename(file), digest: { sha256 } }],
    predicateType: PREDICATE_TYPE,
    predicate: { rotation, head, records: bytes.toString('latin1').split('\n').length - 1 },
  };
}

/** What a signature covers. */
function preAuthenticationEncoding(payload: Buffer): Buffer {
  const head = `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

const fits = (publicKey: KeyObject, bytes: Buffer, signature: Buffer): boolean =>
  verify(publicKey.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, publicKey, signature);
