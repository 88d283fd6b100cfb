import { isIP } from 'node:net';

/** Who made a call of KMS. */
export type EventCaller =
  /** A user, or the role behind a session: the ARN that policies name. */
  | { readonly kind: 'principal'; readonly arn: string; readonly account: string }
  | { readonly kind: 'service'; readonly name: string }
  /** Another account, which hides who it was, and the root user of an account. */
  | { readonly kind: 'account'; readonly account: string };

/** One call of KMS that named a key, as CloudTrail recorded it. */
export interface KeyEvent {
  readonly at: Date;
  /** `Decrypt`, `GenerateDataKey`, … */
  readonly operation: string;
  readonly by: EventCaller;
  /** Name of the session of a role. */
  readonly session: string | undefined;
  /** The service in front of KMS: `s3` where the encryption context names an object or a bucket, else as recorded; undefined: none. */
  readonly through: string | undefined;
  /** ARN of the bucket or object in the encryption context. */
  readonly s3Arn: string | undefined;
  /** True for a caller that came itself, by its own address: then the context is the caller's word alone. */
  readonly direct: boolean;
  /** Names in the encryption context. */
  readonly contextNames: readonly string[];
  /** ARNs of the keys of the call: of ReEncrypt the source first. */
  readonly keys: readonly string[];
  /** `DisabledException`, `AccessDenied`, …; undefined: the call was answered. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads the record of an event. Undefined for what is no record of a call, or names nobody: the caller counts it.
 *
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
 */
export function readKeyEvent(text: string): KeyEvent | undefined {
  const record = members(parsed(text));
  const by = callerOf(members(record.userIdentity));
  const at = new Date(textOf(record.eventTime) ?? '');
  const operation = textOf(record.eventName);
  if (by === undefined || operation === undefined || Number.isNaN(at.getTime())) return undefined;
  const context = contextOf(members(record.requestParameters));
  const s3Arn = textOf(context['aws:s3:arn']);
  const code = textOf(record.errorCode);
  const resources = Array.isArray(record.resources) ? record.resources.map(members) : [];
  return {
    at,
    operation,
    by,
    session: textOf(members(record.userIdentity).arn)?.match(/:assumed-role\/[^/]+\/(.+)$/)?.[1],
    through: s3Arn === undefined ? throughOf(members(record.userIdentity), by) : 's3',
    s3Arn,
    direct: by.kind !== 'service' && !isInternal(members(record.userIdentity), textOf(record.sourceIPAddress)),
    contextNames: Object.keys(context),
    keys: resources.flatMap((one) => [textOf(one.ARN)].filter((arn) => arn?.includes(':key/') === true) as string[]),
    error: code === undefined ? undefined : { code, message: textOf(record.errorMessage) ?? '' },
  };
}

/** True for a direct call whose encryption context has this name, and no other. */
export const hasOnlyContext = ({ contextNames, direct }: KeyEvent, name: string): boolean =>
  direct && contextNames.length === 1 && contextNames[0] === name;

/** ReEncrypt has two: what it opens is under the first. */
const contextOf = (given: Members): Members =>
  members(given.encryptionContext ?? given.sourceEncryptionContext ?? given.destinationEncryptionContext);

/** A service in front of KMS is named as the invoker, or in place of the address. */
const isInternal = ({ invokedBy }: Members, from: string | undefined): boolean =>
  textOf(invokedBy) !== undefined || (from !== undefined && isIP(from) === 0);

/** A service that calls in somebody's name. AWS writes `AWS Internal` for many. */
const throughOf = ({ invokedBy }: Members, by: EventCaller): string | undefined =>
  by.kind === 'service' ? undefined : textOf(invokedBy);

function callerOf(identity: Members): EventCaller | undefined {
  const { type } = identity;
  const account = textOf(identity.accountId) ?? '';
  if (type === 'AWSService') {
    const name = textOf(identity.invokedBy);
    return name === undefined ? undefined : { kind: 'service', name };
  }
  if (type === 'Root' || type === 'AWSAccount') return account === '' ? undefined : { kind: 'account', account };
  const issuer = members(members(identity.sessionContext).sessionIssuer);
  const arn = textOf(issuer.arn) ?? roleOf(textOf(identity.arn));
  if (arn === undefined) return undefined;
  return { kind: 'principal', arn, account: account === '' ? (arn.split(':')[4] ?? '') : account };
}

/** The role of a session's ARN, which leaves out the role's path; any other ARN as it is. */
function roleOf(arn: string | undefined): string | undefined {
  const [, partition, account, name] = /^arn:([^:]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(arn ?? '') ?? [];
  return name === undefined ? arn : `arn:${partition}:iam::${account}:role/${name}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const members = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
