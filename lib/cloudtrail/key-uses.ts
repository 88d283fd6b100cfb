import type { EventCaller, KeyEvent } from './event-record';

/** Cryptographic calls of one kind, by one caller. */
export interface KeyUse {
  readonly by: EventCaller;
  /** `Decrypt`, `GenerateDataKey`, … */
  readonly operation: string;
  /** IAM action that the same call under another key needs. */
  readonly action: string;
  /** `s3`, another service as CloudTrail names it, or undefined for a caller that came itself. */
  readonly through: string | undefined;
  /** The bucket of the encryption context. */
  readonly bucket: string | undefined;
  /** The ARN of the bucket or object in the encryption context; undefined: there was none, or not always the same. */
  readonly s3Arn: string | undefined;
  readonly last: Date;
  readonly count: number;
}

/** Calls that use a key. https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html */
const USES = /^(?:Decrypt|Encrypt|GenerateDataKey\w*|ReEncrypt|GenerateMac|VerifyMac|Sign|Verify|DeriveSharedSecret)$/;

/** True for a cryptographic call that was answered. */
export const isUse = ({ operation, error }: KeyEvent): boolean => error === undefined && USES.test(operation);

/** Calls that encrypt something new. */
const WRITES = /^(?:Encrypt|GenerateDataKey\w*)$/;

/** True for a call that encrypts something new under a key, for all that is known. */
export const isWrite = ({ operation, keys }: KeyEvent, keyArn: string): boolean =>
  WRITES.test(operation) || (operation === 'ReEncrypt' && keys.at(-1) === keyArn);

/** The uses in a list of events: by caller, operation, service and bucket, the last first. A refused call is no use. */
export function usesOf(events: readonly KeyEvent[], keyArn: string): readonly KeyUse[] {
  return grouped(
    events.filter(({ error }) => error === undefined),
    keyArn,
  );
}

/** The same for calls that failed because the key is disabled. */
export function failuresOf(events: readonly KeyEvent[], keyArn: string): readonly KeyUse[] {
  return grouped(
    events.filter(({ error }) => error?.code === 'DisabledException'),
    keyArn,
  );
}

function grouped(events: readonly KeyEvent[], keyArn: string): readonly KeyUse[] {
  const found = new Map<string, KeyUse>();
  for (const event of events) {
    const { by, operation, through, s3Arn, at } = event;
    if (!USES.test(operation)) continue;
    const bucket = /^arn:[^:]+:s3:::([^/]+)/.exec(s3Arn ?? '')?.[1];
    const action = actionOf(event, keyArn);
    const key = JSON.stringify([by, action, operation, through, bucket]);
    const before = found.get(key);
    const last = before !== undefined && before.last > at ? before.last : at;
    const only = before === undefined || before.s3Arn === s3Arn ? s3Arn : undefined;
    found.set(key, { by, operation, action, through, bucket, s3Arn: only, last, count: (before?.count ?? 0) + 1 });
  }
  return [...found.values()].sort((a, b) => b.last.getTime() - a.last.getTime());
}

/** ReEncrypt opens the first key and seals under the second; the same key may be both. */
function actionOf({ operation, keys }: KeyEvent, keyArn: string): string {
  if (operation !== 'ReEncrypt') return `kms:${operation}`;
  return keys[0] === keyArn ? 'kms:ReEncryptFrom' : 'kms:ReEncryptTo';
}

/** The name of a caller for people and waivers: an ARN, a service's principal, `account 111122223333`. */
export function callerName(by: EventCaller): string {
  if (by.kind === 'principal') return by.arn;
  return by.kind === 'service' ? by.name : `account ${by.account}`;
}

/** Calls of one kind for people and JSON. */
export interface ShownUse {
  /** ARN, a service's principal, or `account 111122223333`. */
  readonly who: string;
  /** `Decrypt`, `GenerateDataKey`, … */
  readonly operation: string;
  /** `s3`, another service as CloudTrail names it; null: KMS was called directly. */
  readonly through: string | null;
  readonly bucket: string | null;
  /** The last such call, ISO 8601. */
  readonly last: string;
  readonly count: number;
}

export const shownUse = ({ by, operation, through, bucket, last, count }: KeyUse): ShownUse => ({
  who: callerName(by),
  operation,
  through: through ?? null,
  bucket: bucket ?? null,
  last: last.toISOString(),
  count,
});
