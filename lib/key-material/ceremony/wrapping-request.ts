import { z } from 'zod';

import { KeyturnError } from '../../errors';
import { sha256Hex, type WrappingParameters } from '../wrap';
import { checkWrappingKey } from '../wrapping-key';
import { readCeremonyFile, writeCeremonyFile } from './ceremony-file';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const base64 = z.base64().min(1);

const schema = z.strictObject({
  schemaVersion: z.literal(1),
  kind: z.literal('keyturn-wrapping-request'),
  rotation: z.string().min(1),
  version: z.string().min(1),
  keyArn: z.string().min(1),
  algorithm: z.enum(['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1']),
  wrappingKeySpec: z.enum(['RSA_4096', 'RSA_3072', 'RSA_2048']),
  publicKey: base64,
  /** The facts that the two people of a ceremony compare by phone. */
  publicKeySha256: hex64,
  importToken: base64,
  validTo: z.iso.datetime(),
  createdAt: z.iso.datetime(),
});

/**
 * Everything that a machine without AWS access needs to wrap key material. It is not secret, but it must be
 * authentic.
 */
export type WrappingRequest = z.infer<typeof schema>;

/**
 * Checks KMS's public key and puts it into a request with the token.
 *
 * @throws KeyturnError `wrapping-key-rejected`
 */
export function createWrappingRequest(
  parameters: WrappingParameters,
  about: { readonly rotation: string; readonly version: string; readonly now?: Date | undefined },
): WrappingRequest {
  const { keyArn, algorithm, spec } = parameters;
  return {
    schemaVersion: 1,
    kind: 'keyturn-wrapping-request',
    rotation: about.rotation,
    version: about.version,
    keyArn,
    algorithm,
    wrappingKeySpec: spec,
    publicKey: Buffer.from(parameters.publicKey).toString('base64'),
    publicKeySha256: checkWrappingKey(keyArn, parameters.publicKey, spec).sha256,
    importToken: Buffer.from(parameters.importToken).toString('base64'),
    validTo: parameters.validTo.toISOString(),
    createdAt: (about.now ?? new Date()).toISOString(),
  };
}

/** @throws KeyturnError `ceremony-file` if the path exists or cannot be written */
export async function writeWrappingRequest(path: string, request: WrappingRequest): Promise<void> {
  await writeCeremonyFile(path, schema.parse(request));
}

/** @throws KeyturnError `ceremony-file` for an invalid request, or a public key that does not match its fingerprint */
export async function readWrappingRequest(path: string): Promise<WrappingRequest> {
  const request = await readCeremonyFile(path, schema, 'wrapping request of schema version 1');
  if (sha256Hex(Buffer.from(request.publicKey, 'base64')) !== request.publicKeySha256) {
    throw new KeyturnError('ceremony-file', { path, reason: 'its public key does not match its fingerprint' });
  }
  return request;
}

/** The request as input of the wrapping. */
export function parametersOf(request: WrappingRequest): WrappingParameters {
  return {
    keyArn: request.keyArn,
    publicKey: Buffer.from(request.publicKey, 'base64'),
    importToken: Buffer.from(request.importToken, 'base64'),
    validTo: new Date(request.validTo),
    algorithm: request.algorithm,
    spec: request.wrappingKeySpec,
  };
}

/** @throws KeyturnError `ceremony-stale` */
export function refuseStale(request: WrappingRequest, now: Date): void {
  const { keyArn, validTo } = request;
  if (Date.parse(validTo) <= now.getTime()) throw new KeyturnError('ceremony-stale', { keyArn, validTo });
}
