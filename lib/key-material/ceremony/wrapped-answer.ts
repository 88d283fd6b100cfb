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
  schemaVersion: z.literal(1),
  kind: z.literal('keyturn-wrapped-material'),
  rotation: z.string().min(1),
  version: z.string().min(1),
  keyArn: z.string().min(1),
  publicKeySha256: hex64,
  wrapped: z.base64().min(1),
  wrappedSha256: hex64,
  /** The recipients of the custody copy on the machine that wrapped. */
  recipients: z.array(z.string()),
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
  return {
    schemaVersion: 1,
    kind: 'keyturn-wrapped-material',
    rotation: request.rotation,
    version: request.version,
    keyArn: request.keyArn,
    publicKeySha256: prepared.publicKeySha256,
    wrapped: prepared.wrapped.toString('base64'),
    wrappedSha256: prepared.wrappedSha256,
    recipients: [...prepared.recipients],
    wrappedAt: prepared.preparedAt.toISOString(),
  };
}

/**
 * Joins the request and the answer into an import, on the machine with AWS access.
 *
 * @param keyArn - the key that the version's alias names now
 * @throws KeyturnError `ceremony-stale`, `ceremony-mismatch`
 */
export function acceptAnswer(
  request: WrappingRequest,
  answer: WrappedAnswer,
  { keyArn, now = new Date() }: { readonly keyArn: string; readonly now?: Date | undefined },
): PreparedImport {
  refuseStale(request, now);
  const wrapped = Buffer.from(answer.wrapped, 'base64');
  const reason = misfit(request, answer, wrapped, keyArn);
  if (reason) throw mismatch(reason);
  const { version, algorithm, wrappingKeySpec, publicKeySha256 } = request;
  const { recipients, wrappedSha256 } = answer;
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
    preparedAt: new Date(answer.wrappedAt),
    opened: false,
    from: 'custody',
  };
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
  return readCeremonyFile(path, schema, 'wrapped material');
}

function mismatch(reason: string): KeyturnError {
  return new KeyturnError('ceremony-mismatch', { reason });
}
