import { ImportKeyMaterialCommand, type KMSClient } from '@aws-sdk/client-kms';

import { requireSecureEndpoint } from '../aws/endpoints';
import { awsCodeOf, called } from '../aws/failures';
import { isCode, KeyturnError } from '../errors';

/** `NEW_KEY_MATERIAL`: the key has never seen these bytes. `EXISTING_KEY_MATERIAL`: the same bytes again. */
export type ImportType = 'NEW_KEY_MATERIAL' | 'EXISTING_KEY_MATERIAL';

export interface ImportRequest {
  readonly keyArn: string;
  readonly importToken: Uint8Array;
  /** The material, encrypted under the public key that came with the token. */
  readonly wrapped: Uint8Array;
  /** Always explicit: the documentation contradicts itself about the default. */
  readonly importType: ImportType;
  /** When KMS deletes the material, at most 365 days ahead; absent: it does not expire. */
  readonly validTo?: Date | undefined;
  /** Only with `EXISTING_KEY_MATERIAL`: KMS then checks that the bytes are equal. */
  readonly keyMaterialId?: string | undefined;
  /**
   * Asked if KMS already has the bytes of a `NEW_KEY_MATERIAL`: the KeyMaterialId of the material that they must be, after
   * an answer that was lost. Undefined: there is none, so the bytes belong to something else and are refused.
   */
  readonly expectedId?: (() => Promise<string | undefined>) | undefined;
  /** 0–256 characters, shown by ListKeyRotations and in CloudTrail. */
  readonly description?: string | undefined;
  /**
   * The time that `validTo` is checked against before the call; default: this machine's. KMS checks it again with its
   * own clock.
   */
  readonly now?: Date | undefined;
}

export interface ImportResult {
  readonly keyArn: string;
  readonly keyMaterialId: string;
  readonly importType: ImportType;
  readonly expirationModel: 'KEY_MATERIAL_EXPIRES' | 'KEY_MATERIAL_DOES_NOT_EXPIRE';
  readonly validTo: Date | undefined;
  readonly importedAt: Date;
  /** Where KMS was reached if that is not AWS's: `http://127.0.0.1:4566`; null: AWS. */
  readonly endpoint: string | null;
}

type Sent = Omit<ImportResult, 'endpoint'>;

const DAY = 24 * 60 * 60 * 1000;
/** Maximum lifetime of imported material, in days. @see ImportKeyMaterial, ValidTo */
export const LONGEST_VALIDITY_DAYS = 365;

/** The meaning of each KMS error code, and what to do next. Messages may change; codes are stable. */
const REFUSALS: Readonly<Record<string, { readonly reason: string; readonly next: string }>> = {
  InvalidCiphertextException: {
    reason: 'it cannot be unwrapped: it was wrapped under another public key or algorithm, or was changed',
    next: 'run `npx keyturn pre-apply` again: it requests a new public key and wraps the material from custody again',
  },
  IncorrectKeyMaterialException: {
    reason: 'it differs from the material of the key, or the key already has it',
    next: 'compare the custody record with the key material ID from `npx keyturn status`; another operator may have imported first',
  },
  InvalidImportTokenException: {
    reason: 'the import token belongs to another key',
    next: 'run `npx keyturn pre-apply` again: it requests a token for this key',
  },
  ExpiredImportTokenException: {
    reason: 'the import token is older than 24 hours',
    next: 'run `npx keyturn pre-apply` again: it requests a new token and wraps the material from custody again',
  },
  KMSInvalidStateException: {
    reason: 'the key state does not allow an import',
    next: 'check the key state with `npx keyturn status`; a key pending deletion accepts no material',
  },
  UnsupportedOperationException: {
    reason: 'the key does not support imported material, or not with these parameters',
    next: 'check that the origin of the key is EXTERNAL',
  },
};

/** A key takes one material at a time; KMS calls that a state of the key. */
const PENDING_ROTATION = {
  reason: 'the key holds other material that is pending rotation, and KMS takes the next one only after it',
  next: 'rotate to the pending material first (`npx keyturn post-apply`); if no declared version stands for it, somebody else imported it: `npx keyturn status` shows the materials',
};

/**
 * ImportKeyMaterial with explicit ImportType and ExpirationModel.
 *
 * If KMS already has the bytes of a `NEW_KEY_MATERIAL`, because a response was lost, they are imported as
 * `EXISTING_KEY_MATERIAL` under the ID that the caller expects: KMS accepts them only if they are that very material. It
 * never imports them as whatever material of the key they are: that would rename it and change its date.
 *
 * @throws KeyturnError `kms-import-expiry`, `endpoint-insecure` before the call; `kms-import-refused` with KMS's own code; else as `called`
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html
 */
export async function importMaterial(kms: KMSClient, request: ImportRequest): Promise<ImportResult> {
  checkExpiry(request.keyArn, request.validTo, (request.now ?? new Date()).getTime());
  const endpoint = (await requireSecureEndpoint(kms)) ?? null;
  try {
    return { ...(await send(kms, request)), endpoint };
  } catch (error) {
    const mayBeSame = request.importType === 'NEW_KEY_MATERIAL' && awsCodeOf(error) === 'IncorrectKeyMaterialException';
    const same = mayBeSame && (await sendIfSame(kms, request));
    if (same) return { ...same, endpoint };
    throw refusal(request, error);
  }
}

async function sendIfSame(kms: KMSClient, request: ImportRequest): Promise<Sent | undefined> {
  const keyMaterialId = await request.expectedId?.();
  if (keyMaterialId === undefined) return undefined;
  try {
    return await send(kms, { ...request, importType: 'EXISTING_KEY_MATERIAL', keyMaterialId });
  } catch (error) {
    if (REFUSALS[awsCodeOf(error) ?? '']) return undefined;
    throw error;
  }
}

async function send(kms: KMSClient, request: ImportRequest): Promise<Sent> {
  const { keyArn, importType, validTo } = request;
  const expirationModel = validTo ? 'KEY_MATERIAL_EXPIRES' : 'KEY_MATERIAL_DOES_NOT_EXPIRE';
  const command = new ImportKeyMaterialCommand({
    KeyId: keyArn,
    ImportToken: request.importToken,
    EncryptedKeyMaterial: request.wrapped,
    ImportType: importType,
    ExpirationModel: expirationModel,
    ValidTo: validTo,
    KeyMaterialId: importType === 'EXISTING_KEY_MATERIAL' ? request.keyMaterialId : undefined,
    KeyMaterialDescription: request.description,
  });
  const answer = await called('kms:ImportKeyMaterial', keyArn, () => kms.send(command));
  return {
    keyArn: answer.KeyId ?? keyArn,
    keyMaterialId: answer.KeyMaterialId ?? '',
    importType,
    expirationModel,
    validTo,
    importedAt: new Date(),
  };
}

/**
 * Rejects a date that KMS would reject.
 *
 * @param now - milliseconds since 1970
 * @throws KeyturnError `kms-import-expiry`
 */
export function checkExpiry(keyArn: string, validTo: Date | undefined, now: number): void {
  if (!validTo) return;
  const at = validTo.getTime();
  const reason =
    at <= now
      ? 'it is in the past'
      : at > now + LONGEST_VALIDITY_DAYS * DAY
        ? `it is more than ${LONGEST_VALIDITY_DAYS} days ahead`
        : undefined;
  if (reason) throw new KeyturnError('kms-import-expiry', { keyArn, validTo: validTo.toISOString(), reason });
}

function refusal({ keyArn, validTo }: Pick<ImportRequest, 'keyArn' | 'validTo'>, error: unknown): unknown {
  const awsCode = awsCodeOf(error);
  const awsMessage = isCode(error, 'aws-failed') ? error.facts.awsMessage : '';
  if (validTo && awsCode === 'ValidationException' && /validTo/i.test(awsMessage)) {
    const reason = `by KMS's clock it is past or too far ahead, and by this machine's it is not: ${awsMessage}`;
    return new KeyturnError('kms-import-expiry', { keyArn, validTo: validTo.toISOString(), reason }, error);
  }
  const waits = awsCode === 'KMSInvalidStateException' && /pending rotation/i.test(awsMessage);
  const known = waits ? PENDING_ROTATION : awsCode === undefined ? undefined : REFUSALS[awsCode];
  if (awsCode === undefined || known === undefined) return error;
  return new KeyturnError('kms-import-refused', { keyArn, awsCode, awsMessage, ...known }, error);
}
