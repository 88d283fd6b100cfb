import { createHash, randomBytes } from 'node:crypto';
import type { AwsBehavior } from '../../behavior';
import type { Caller, DataKeys, EncryptionContext } from '../../message';
import { unwrapKey, wrapKey } from './sealing';

export type EncryptionKind = 'AES256' | 'aws:kms' | 'aws:kms:dsse' | 'SSE-C';

/** How a version's data key is wrapped. Replaced as a whole when it is rewrapped; the data key stays. */
export interface Encryption {
  readonly kind: EncryptionKind;
  /** The wrapped data key: KMS's ciphertext, or one of ours under the internal or the customer's key. Latin-1. */
  readonly wrapped: string;
  /** Full ARN of the KMS key, `''` where there is none. */
  readonly keyArn: string;
  readonly bucketKey: boolean;
  /** Further pairs of the encryption context that the writer named. */
  readonly context: EncryptionContext | undefined;
  /**
   * The data key, wrapped under the key that {@link wrapped} holds. Set when the data key is older than the KMS key
   * that guards it: an SSE-S3 object that was rewrapped.
   */
  readonly inner: string | undefined;
  /** Base64 MD5 of the customer's key, `''` where there is none. */
  readonly customerKeyMd5: string;
}

/** What a write asks for, all defaults resolved. */
export type EncryptionRequest =
  | { readonly kind: 'AES256' }
  | { readonly kind: 'SSE-C'; readonly key: Buffer; readonly md5: string }
  | {
      readonly kind: 'aws:kms' | 'aws:kms:dsse';
      /** A key ID, key ARN, alias name or alias ARN; the AWS managed key when undefined. */
      readonly keyId: string | undefined;
      readonly bucketKey: boolean;
      readonly context: EncryptionContext | undefined;
    };

/** The place of an object, which its encryption context names. */
export interface Place {
  readonly bucket: string;
  readonly key: string;
}

const NO_KEY = { keyArn: '', bucketKey: false, context: undefined, inner: undefined, customerKeyMd5: '' } as const;

/** What delete markers carry. */
export const NO_ENCRYPTION: Encryption = { kind: 'AES256', wrapped: '', ...NO_KEY };

/**
 * Makes, wraps and unwraps data keys. SSE-S3 keys are wrapped under one internal key of this process, SSE-KMS keys by
 * KMS, SSE-C keys under the customer's. There is no bucket-key cache: every read of an SSE-KMS object asks KMS. A key
 * that is turned off stops working at once; AWS may serve from its cache for a while.
 */
export class KeyRing {
  private readonly internal = randomBytes(32);
  private readonly dataKeysOf: (bucket: string) => DataKeys;
  private readonly rewrapCalls: AwsBehavior['rewrapCalls'];

  /** @param dataKeysOf - KMS in the Region of a bucket */
  constructor(dataKeysOf: (bucket: string) => DataKeys, { rewrapCalls }: Pick<AwsBehavior, 'rewrapCalls'>) {
    this.dataKeysOf = dataKeysOf;
    this.rewrapCalls = rewrapCalls;
  }

  /** @throws KmsFault as KMS's GenerateDataKey. */
  create(
    request: EncryptionRequest,
    place: Place,
    caller: Caller,
  ): { readonly dataKey: Buffer; readonly encryption: Encryption } {
    if (request.kind === 'AES256') {
      const dataKey = randomBytes(32);
      return { dataKey, encryption: { kind: 'AES256', wrapped: wrapKey(this.internal, dataKey), ...NO_KEY } };
    }
    if (request.kind === 'SSE-C') {
      const dataKey = randomBytes(32);
      const wrapped = wrapKey(request.key, dataKey);
      return { dataKey, encryption: { kind: 'SSE-C', wrapped, ...NO_KEY, customerKeyMd5: request.md5 } };
    }
    const dataKeys = this.dataKeysOf(place.bucket);
    const keyId = request.keyId ?? dataKeys.awsManagedS3Key(caller);
    const context = contextOf(place, request.bucketKey, request.context);
    const { plaintext, ciphertext, keyArn } = dataKeys.generateDataKey(keyId, context, caller);
    return {
      dataKey: plaintext,
      encryption: {
        kind: request.kind,
        wrapped: ciphertext.toString('latin1'),
        keyArn,
        bucketKey: request.bucketKey,
        context: request.context,
        inner: undefined,
        customerKeyMd5: '',
      },
    };
  }

  /**
   * @param customerKey - the key the request brings, already proved to be the right one, for SSE-C.
   * @throws KmsFault as KMS's Decrypt.
   */
  unwrap(encryption: Encryption, place: Place, caller: Caller, customerKey?: Buffer): Buffer {
    if (encryption.kind === 'AES256') return unwrapKey(this.internal, encryption.wrapped);
    if (encryption.kind === 'SSE-C') return unwrapKey(customerKey ?? Buffer.alloc(32), encryption.wrapped);
    const context = contextOf(place, encryption.bucketKey, encryption.context);
    const wrapped = Buffer.from(encryption.wrapped, 'latin1');
    const { plaintext } = this.dataKeysOf(place.bucket).decrypt(wrapped, context, caller);
    return encryption.inner === undefined ? plaintext : unwrapKey(plaintext, encryption.inner);
  }

  /**
   * The same data key under another KMS key. KMS-wrapped keys go through ReEncrypt; an SSE-S3 data key is wrapped under
   * a fresh data key of the target.
   *
   * @throws KmsFault as KMS's ReEncrypt or GenerateDataKey.
   */
  rewrap(encryption: Encryption, place: Place, keyArn: string, bucketKey: boolean, caller: Caller): Encryption {
    const dataKeys = this.dataKeysOf(place.bucket);
    const target = contextOf(place, bucketKey, encryption.context);
    const moved = { ...encryption, kind: 'aws:kms' as const, bucketKey };
    if (encryption.kind === 'AES256') {
      const fresh = dataKeys.generateDataKey(keyArn, target, caller);
      const inner = wrapKey(fresh.plaintext, unwrapKey(this.internal, encryption.wrapped));
      return { ...moved, wrapped: fresh.ciphertext.toString('latin1'), inner, keyArn: fresh.keyArn };
    }
    const source = contextOf(place, encryption.bucketKey, encryption.context);
    const ciphertext = Buffer.from(encryption.wrapped, 'latin1');
    const next =
      this.rewrapCalls === 're-encrypt'
        ? dataKeys.reEncrypt(ciphertext, source, keyArn, target, caller)
        : sealUnder(dataKeys, dataKeys.decrypt(ciphertext, source, caller).plaintext, keyArn, target, caller);
    return { ...moved, wrapped: next.ciphertext.toString('latin1'), keyArn: next.keyArn };
  }

  /** @throws KmsFault as KMS's Decrypt for the state of the key, and for nothing else. */
  checkKeyState({ kind, keyArn }: Encryption, bucket: string, caller: Caller): void {
    if (kind === 'aws:kms' || kind === 'aws:kms:dsse') this.dataKeysOf(bucket).checkKeyState(keyArn, caller);
  }
}

function sealUnder(dataKeys: DataKeys, dataKey: Buffer, keyArn: string, target: EncryptionContext, caller: Caller) {
  const sealed = dataKeys.encrypt(dataKey, keyArn, target, caller);
  dataKey.fill(0);
  return sealed;
}

function contextOf(place: Place, bucketKey: boolean, extra: EncryptionContext | undefined): EncryptionContext {
  const arn = bucketKey ? `arn:aws:s3:::${place.bucket}` : `arn:aws:s3:::${place.bucket}/${place.key}`;
  return extra === undefined ? { 'aws:s3:arn': arn } : { ...extra, 'aws:s3:arn': arn };
}

export function md5Base64(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('base64');
}
