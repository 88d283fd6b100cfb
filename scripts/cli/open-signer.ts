import { createPublicKey, verify } from 'node:crypto';
import path from 'node:path';
import { clientsFor } from '../../lib/aws/rotation-clients';
import { KeyturnError } from '../../lib/errors';
import { type EvidenceSigner, signEvidence } from '../../lib/evidence/sign-evidence';
import { ED25519, openKeyFile, SIGNING_KEY_VARIABLE } from '../../lib/evidence/signing-key-file';
import { openSigningKey } from '../../lib/kms/signing-key';
import type { Rotation } from '../../lib/rotation/rotation';
import type { CommandContext } from './command';

/** The signer of a session; `close` frees what it holds. */
export interface OpenSigner extends EvidenceSigner {
  close(): void;
}

/**
 * Opens the declared signer of the evidence; undefined: none is declared.
 *
 * @throws KeyturnError `evidence-signer-unusable`, and the errors of AWS
 */
export async function openSigner(
  { env, cwd, signal }: Pick<CommandContext, 'env' | 'cwd' | 'signal'>,
  rotation: Rotation,
): Promise<OpenSigner | undefined> {
  const declared = rotation.evidence.signer;
  if (declared === undefined) return undefined;
  if (declared.startsWith(ED25519)) {
    const named = env[SIGNING_KEY_VARIABLE];
    const file = named ? path.resolve(cwd, named) : undefined;
    return { ...(await openKeyFile(declared, file, path.dirname(rotation.file))), close: () => {} };
  }
  const region = declared.split(':')[3] ?? rotation.region;
  const clients = clientsFor(rotation, { region, env });
  try {
    const key = await openSigningKey(clients.kms, declared);
    const publicKey = createPublicKey({ key: key.publicKey, format: 'der', type: 'spki' });
    // The head of a run that was interrupted is signed too, so its signal does not count here.
    return { declared, publicKey, sign: key.sign, close: () => clients.destroy() };
  } catch (error) {
    clients.destroy();
    signal.throwIfAborted();
    throw error;
  }
}

/** What `doctor` signs: no statement, so nobody can take the signature for that of a run. */
const TRIAL = Buffer.from('keyturn doctor');

/**
 * Signs a trial text and checks the signature, so that key, usage and permission are known to fit before a run needs them.
 *
 * @returns who signs, and how
 * @throws KeyturnError `evidence-signer-unusable`, and the errors of AWS
 */
export async function trySigner(...opening: Parameters<typeof openSigner>): Promise<string> {
  const signer = await openSigner(...opening);
  if (signer === undefined) return 'nobody signs the evidence';
  try {
    const { declared, publicKey } = signer;
    const signature = await signer.sign(TRIAL);
    const isEd25519 = publicKey.asymmetricKeyType === 'ed25519';
    if (!verify(isEd25519 ? null : 'sha256', TRIAL, publicKey, signature))
      throw new KeyturnError('evidence-signer-unusable', {
        signer: declared,
        reason: 'its signature does not fit its public key',
      });
    return `${declared} signs: ${isEd25519 ? 'Ed25519' : 'ECDSA on P-256'}`;
  } finally {
    signer.close();
  }
}

/** Signs the head of a closed run. A failure does not change the result of the run itself. */
export async function signRun(
  { terminal, sideResult }: Pick<CommandContext, 'terminal' | 'sideResult'>,
  signer: EvidenceSigner | undefined,
  run: Parameters<typeof signEvidence>[1],
): Promise<void> {
  if (!signer) return;
  const facts = { signer: signer.declared, head: run.head };
  try {
    const file = path.basename(await signEvidence(signer, run));
    terminal.note(`the head ${run.head} is signed: ${file}`);
    sideResult('signature', { ...facts, file });
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    sideResult('signature', facts, error);
  }
}
