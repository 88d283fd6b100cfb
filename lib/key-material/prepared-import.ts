import type { PendingImport } from './custody/pending-import';
import type { WrappedMaterial, WrappingParameters } from './wrap';
import type { WrappingAlgorithm, WrappingKeySpec } from './wrapping-key';

/** All parameters of ImportKeyMaterial. They are not secret. */
export interface PreparedImport {
  readonly version: string;
  readonly keyArn: string;
  readonly wrapped: Buffer;
  readonly importToken: Buffer;
  /** KMS rejects the import after this. */
  readonly parametersValidTo: Date;
  readonly algorithm: WrappingAlgorithm;
  readonly wrappingKeySpec: WrappingKeySpec;
  readonly publicKeySha256: string;
  readonly wrappedSha256: string;
  /** The recipients of the custody copy of this material; empty: none are known. */
  readonly recipients: readonly string[];
  /** Identifies that copy: SHA-256 of the age file, or what the custodian answers. Undefined: there is no copy. */
  readonly binding: string | undefined;
  readonly preparedAt: Date;
  /** True: the copy in custody was opened, and it is what is wrapped here. */
  readonly opened: boolean;
  /** `pending`: an interrupted run prepared it. `custody`: the copy in custody was decrypted and wrapped again. */
  readonly from: 'generated' | 'file' | 'custody' | 'pending';
}

/** The key of an import, and the origin of its material. */
export type PreparedFor = Pick<
  PreparedImport,
  'version' | 'keyArn' | 'recipients' | 'binding' | 'preparedAt' | 'opened' | 'from'
>;

/** Joins wrapped material and its token. */
export function preparedOf<About extends PreparedFor>(
  about: About,
  { ciphertext, ...wrapping }: WrappedMaterial,
  parameters: WrappingParameters,
): PreparedImport & About {
  return {
    ...about,
    wrapped: ciphertext,
    importToken: Buffer.from(parameters.importToken),
    parametersValidTo: parameters.validTo,
    ...wrapping,
  };
}

/** The prepared import in its file format. */
export function pendingOf(rotation: string, prepared: PreparedImport & { readonly binding: string }): PendingImport {
  return {
    schemaVersion: 1,
    rotation,
    version: prepared.version,
    keyArn: prepared.keyArn,
    binding: prepared.binding,
    recipients: [...prepared.recipients],
    algorithm: prepared.algorithm,
    wrappingKeySpec: prepared.wrappingKeySpec,
    publicKeySha256: prepared.publicKeySha256,
    wrappedSha256: prepared.wrappedSha256,
    wrapped: prepared.wrapped.toString('base64'),
    importToken: prepared.importToken.toString('base64'),
    validTo: prepared.parametersValidTo.toISOString(),
    preparedAt: prepared.preparedAt.toISOString(),
  };
}

/** The prepared import from its file format. */
export function preparedFromPending(pending: PendingImport): PreparedImport {
  return {
    version: pending.version,
    keyArn: pending.keyArn,
    wrapped: Buffer.from(pending.wrapped, 'base64'),
    importToken: Buffer.from(pending.importToken, 'base64'),
    parametersValidTo: new Date(pending.validTo),
    algorithm: pending.algorithm,
    wrappingKeySpec: pending.wrappingKeySpec,
    publicKeySha256: pending.publicKeySha256,
    wrappedSha256: pending.wrappedSha256,
    recipients: pending.recipients,
    binding: pending.binding,
    preparedAt: new Date(pending.preparedAt),
    opened: false,
    from: 'pending',
  };
}
