import { z } from 'zod';

import { KeyturnError } from '../../errors';
import type { Custodian } from '../custody/custodian';
import { type MaterialSource, prepareImport } from '../prepare-import';
import type { PreparedImport } from '../prepared-import';
import { sha256Hex } from '../wrap';
import { readCeremonyFile, writeCeremonyFile } from './ceremony-file';
import { parametersOf, refuseStale, type WrappingRequest } from './wrapping-request';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);

const schema = z.strictObject({
  schemaVersion: z.literal(2),
  kind: z.literal('keyturn-wrapped-material'),
  rotation: z.string().min(1),
  version: z.string().min(1),
  keyArn: z.string().min(1),
  publicKeySha256: hex64,
  wrapped: z.base64().min(1),
  wrappedSha256: hex64,
  /** The recipients of the custody copy on the machine that wrapped. */
  recipients: z.array(z.string()),
  /** The copy that custody sealed on that machine: its kind, and its digest (age) or the custodian's own binding. */
  custody: z.strictObject({ kind: z.enum(['age', 'command', 'pkcs11']), binding: z.string().min(1).max(256) }),
  wrappedAt: z.iso.datetime(),
});

/** The result from the machine without AWS access: material that only KMS can decrypt. */
export type WrappedAnswer = z.infer<typeof schema>;

export interface AnswerOptions {
  readonly source: MaterialSource;
  /** Needed if custody already holds the material and no import under the request's key is pending. */
  readonly identityFile?: string | undefined;
  readonly now?: Date | undefined;
}

/**
 * Saves material in custody, then wraps it for the request, without calling AWS. A second call returns the same
 * material.
 *
 * @throws KeyturnError `ceremony-stale`, `ceremony-mismatch` if custody belongs to another rotation; otherwise as
 * `prepareImport`
 */
export async function answerRequest(
  custodian: Custodian,
  request: WrappingRequest,
  { source, identityFile, now = new Date() }: AnswerOptions,
): Promise<WrappedAnswer> {
  refuseStale(request, now);
  if (custodian.rotation !== request.rotation) {
    throw mismatch(
      `this custody belongs to rotation ${custodian.rotation}, but the request belongs to ${request.rotation}`,
    );
  }
  const prepared = await prepareImport(custodian, {
    version: request.version,
    keyArn: request.keyArn,
    parameters: async () => parametersOf(request),
    publicKeySha256: request.publicKeySha256,
    source,
    identityFile,
    now,
  });
  const { kind } = custodian;
  const binding = await custodian.copyBinding(request.version);
  if (kind === 'none' || binding === undefined) throw mismatch('custody on this machine keeps no copy');
  return {
    schemaVersion: 2,
    kind: 'keyturn-wrapped-material',
    rotation: request.rotation,
    version: request.version,
    keyArn: request.keyArn,
    publicKeySha256: prepared.publicKeySha256,
    wrapped: prepared.wrapped.toString('base64'),
    wrappedSha256: prepared.wrappedSha256,
    recipients: [...prepared.recipients],
    custody: { kind, binding },
    wrappedAt: prepared.preparedAt.toISOString(),
  };
}

/**
 * Fingerprint of an answer, over everything that an import takes from it. Whoever carries it could wrap bytes of his own
 * under the request's public key, so two people compare this one as they compare that of the request.
 *
 * @returns lower-case hex SHA-256
 */
export function answerFingerprint(answer: WrappedAnswer): string {
  const { rotation, version, keyArn, publicKeySha256, wrappedSha256, recipients, custody } = answer;
  const parts = [rotation, version, keyArn, publicKeySha256, wrappedSha256, recipients, custody.kind, custody.binding];
  return sha256Hex(Buffer.from(JSON.stringify(parts)));
}

/** What the machine with AWS access knows by itself. */
export interface AnswerTerms {
  /** The key that the version's alias names now. */
  readonly keyArn: string;
  /** Custody of the rotation file, which was reviewed: its kind, and its recipients for age. */
  readonly custody: { readonly kind: WrappedAnswer['custody']['kind']; readonly recipients: readonly string[] };
  /** The copy that custody on this machine holds of the version; undefined: none. */
  readonly copyHere?: string | undefined;
  readonly now?: Date | undefined;
}

/**
 * Joins the request and the answer into an import, on the machine with AWS access.
 *
 * @throws KeyturnError `ceremony-stale`, `ceremony-mismatch`
 */
export function acceptAnswer(request: WrappingRequest, answer: WrappedAnswer, terms: AnswerTerms): PreparedImport {
  const { keyArn, now = new Date() } = terms;
  refuseStale(request, now);
  const wrapped = Buffer.from(answer.wrapped, 'base64');
  const reason = misfit(request, answer, wrapped, keyArn) ?? foreignCustody(answer, terms);
  if (reason) throw mismatch(reason);
  const { version, algorithm, wrappingKeySpec, publicKeySha256 } = request;
  const { wrappedSha256 } = answer;
  const { recipients } = terms.custody;
  return {
    version,
    keyArn,
    wrapped,
    importToken: Buffer.from(request.importToken, 'base64'),
    parametersValidTo: new Date(request.validTo),
    algorithm,
    wrappingKeySpec,
    publicKeySha256,
    wrappedSha256,
    recipients,
    binding: answer.custody.binding,
    preparedAt: new Date(answer.wrappedAt),
    opened: false,
    from: 'custody',
  };
}

/** What the answer says of custody counts only as far as it is that of the reviewed file, and of this machine. */
function foreignCustody({ custody, recipients }: WrappedAnswer, { custody: declared, copyHere }: AnswerTerms) {
  if (custody.kind !== declared.kind)
    return `its material is in custody by ${custody.kind}, and the rotation file declares ${declared.kind}`;
  const [theirs, ours] = [recipients, declared.recipients].map((list) => [...list].sort().join(', '));
  if (theirs !== ours) return `its copy is for the recipients ${theirs}, and the rotation file declares ${ours}`;
  if (copyHere !== undefined && copyHere !== custody.binding)
    return 'custody on this machine holds another copy for this version; move it away if it was never imported';
  return undefined;
}

function misfit(request: WrappingRequest, answer: WrappedAnswer, wrapped: Buffer, keyArn: string): string | undefined {
  if (request.keyArn !== keyArn)
    return `the request is for ${request.keyArn}, but the key of this version is ${keyArn}`;
  if (answer.keyArn !== keyArn) return `it was wrapped for ${answer.keyArn}, not for ${keyArn}`;
  for (const field of ['rotation', 'version'] as const) {
    if (answer[field] !== request[field]) return `its ${field} is ${answer[field]}, not ${request[field]}`;
  }
  if (answer.publicKeySha256 !== request.publicKeySha256)
    return 'it was wrapped under the public key of another request';
  if (sha256Hex(wrapped) !== answer.wrappedSha256) return 'its bytes do not match its digest';
  const expected = Number(request.wrappingKeySpec.slice('RSA_'.length)) / 8;
  if (wrapped.length !== expected)
    return `it has ${wrapped.length} bytes, but ${request.wrappingKeySpec} produces ${expected}`;
  return undefined;
}

/** @throws KeyturnError `ceremony-file` if the path exists or cannot be written */
export async function writeWrappedAnswer(path: string, answer: WrappedAnswer): Promise<void> {
  await writeCeremonyFile(path, schema.parse(answer));
}

/** @throws KeyturnError `ceremony-file` */
export async function readWrappedAnswer(path: string): Promise<WrappedAnswer> {
  return readCeremonyFile(path, schema, 'wrapped material of schema version 2');
}

function mismatch(reason: string): KeyturnError {
  return new KeyturnError('ceremony-mismatch', { reason });
}
