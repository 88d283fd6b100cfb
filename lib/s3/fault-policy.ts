import { KeyturnError } from '../errors';
import { type Encryption, holdingKey, type VersionRef } from './object-version';
import { type FaultKind, faultKind, faultText, type StoreFault } from './store-fault';

/**
 * Which kinds of fault are sent again, and as what. A 403 is `denied` and never retried, that of a HEAD included: `inspectVersion`
 * reads one byte to learn its reason, and {@link FaultPolicy} decides whether it fails the version or stops the run.
 */
const RETRIED: Readonly<Record<FaultKind, 'throttled' | 'transient' | 'never'>> = {
  'throttled-s3': 'throttled',
  'throttled-kms': 'throttled',
  transient: 'transient',
  gone: 'never',
  race: 'never',
  credentials: 'never',
  denied: 'never',
  kms: 'never',
  'missing-bucket': 'never',
  unsupported: 'never',
  refused: 'never',
};

/** Whether S3 is asked again after a fault: the one decision that every S3 request follows. Attempts and waits are in `RETRY_POLICY`. */
export function retriedAs(kind: FaultKind): 'throttled' | 'transient' | 'never' {
  return RETRIED[kind];
}

/** Why a run cannot continue although its configuration is right. */
export interface OutsideStop {
  readonly because: 'credentials' | 'endpoint';
  readonly detail: string;
}

/** Ends a run partly done: the credentials expired, or S3 cannot be reached. */
export class RunStopped extends Error {
  readonly stopped: OutsideStop;
  constructor(stopped: OutsideStop) {
    super(stopped.detail);
    this.name = 'RunStopped';
    this.stopped = stopped;
  }
}

/** What a fault means for the one version it came from. `again`: inspect the version again and decide again. */
export type Disposition =
  | { readonly kind: 'gone' }
  | { readonly kind: 'again' }
  | { readonly kind: 'blocked'; readonly reason: 'object-lock' | 'source-key-unusable'; readonly detail: string }
  | { readonly kind: 'failed' };

/** The IAM action that an operation needs first. */
const ACTIONS: Readonly<Record<string, string>> = {
  HeadObject: 's3:GetObject',
  GetObject: 's3:GetObject',
  CopyObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPartCopy: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  ListObjectVersions: 's3:ListBucketVersions',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  GetObjectTagging: 's3:GetObjectTagging',
  GetObjectAcl: 's3:GetObjectAcl',
  ListObjectAnnotations: 's3:ListObjectAnnotations',
  GetObjectLegalHold: 's3:GetObjectLegalHold',
  GetObjectRetention: 's3:GetObjectRetention',
};

/** Refusals in a row, without one success of the same call before, that are the configuration's and not the objects'. */
const ROW = 8;
/** Versions in a row that no attempt could reach S3 for. */
const UNREACHABLE_ROW = 16;

/**
 * Keeps faults of the configuration, which stop the run at once, apart from faults of one version, which do not. S3's
 * AccessDenied is both. It is the configuration's where its message names the target key or an action that no policy
 * allows, or where nothing of the kind has ever succeeded.
 */
export class FaultPolicy {
  readonly #targetKeyArn: string;
  readonly #succeeded = new Set<string>();
  readonly #row = new Map<string, number>();
  #unreachable = 0;

  constructor(targetKeyArn: string) {
    this.#targetKeyArn = targetKeyArn;
  }

  succeeded(operation: string, source?: Encryption): void {
    this.#unreachable = 0;
    this.#succeeded.add(operation);
    if (source) this.#succeeded.add(pairOf(operation, source));
  }

  /**
   * @param opens whether the version's present key still opens it, called only where the fault alone does not decide
   * @throws aws-access-denied, target-key-unusable, aws-failed, RunStopped: faults that are not this version's
   */
  async classify(
    fault: StoreFault,
    ref: VersionRef,
    source: Encryption | undefined,
    opens: () => Promise<boolean>,
  ): Promise<Disposition> {
    switch (faultKind(fault)) {
      case 'gone':
        // A copy is answered 404 for the current object, while the version it copies may well be there.
        return { kind: isRead(fault) ? 'gone' : 'again' };
      case 'race':
        return { kind: 'again' };
      case 'credentials':
        throw new RunStopped({ because: 'credentials', detail: faultText(fault) });
      case 'missing-bucket':
        throw this.#failed(fault, ref);
      case 'unsupported':
        throw unsupported(fault, ref);
      case 'denied':
        return this.#denied(fault, ref, source);
      case 'kms':
        return isRead(fault) ? unusable(fault) : this.#kms(fault, source, opens);
      case 'transient':
      case 'throttled-s3':
      case 'throttled-kms':
        return this.#exhausted(fault);
      case 'refused':
        return { kind: 'failed' };
    }
  }

  /** What a fault of a request about the bucket itself, such as its listing, ends the run with. */
  bucketFault(fault: StoreFault, bucket: string): Error {
    const kind = faultKind(fault);
    const resource = `arn:aws:s3:::${bucket}`;
    const facts = { action: actionOf(fault), resource, awsMessage: fault.message, requestId: fault.requestId };
    if (kind === 'credentials') return new RunStopped({ because: 'credentials', detail: faultText(fault) });
    if (kind === 'transient') return new RunStopped({ because: 'endpoint', detail: faultText(fault) });
    if (kind === 'throttled-s3' || kind === 'throttled-kms')
      return new RunStopped({ because: 'endpoint', detail: faultText(fault) });
    if (kind === 'denied') return new KeyturnError('aws-access-denied', facts, fault);
    return new KeyturnError('aws-failed', { ...facts, awsCode: fault.code }, fault);
  }

  #failed(fault: StoreFault, ref: VersionRef): KeyturnError {
    const resource = `arn:aws:s3:::${ref.bucket}`;
    const facts = { awsCode: fault.code, awsMessage: fault.message, requestId: fault.requestId };
    return new KeyturnError('aws-failed', { action: actionOf(fault), resource, ...facts }, fault);
  }

  #denied(fault: StoreFault, ref: VersionRef, source: Encryption | undefined): Disposition {
    const denied = /not authorized to perform: (\S+)(?: on resource: "?([^\s",]+))?/.exec(fault.message);
    // An action, a bucket or a key may be named after a lock, and a message that names an action is about no lock.
    if (!denied && /object lock|legal hold|retention|WORM/i.test(fault.message)) {
      return { kind: 'blocked', reason: 'object-lock', detail: fault.message };
    }
    const [action, resource] = [denied?.[1] ?? actionOf(fault), denied?.[2] ?? `arn:aws:s3:::${ref.bucket}/${ref.key}`];
    const stop = () => {
      const facts = { action, resource, awsMessage: fault.message, requestId: fault.requestId };
      return new KeyturnError('aws-access-denied', facts, fault);
    };
    if (resource === this.#targetKeyArn) throw stop();
    const byPolicyOfOneObject = fault.message.includes('explicit deny') || action.startsWith('kms:');
    if (denied && !byPolicyOfOneObject && !this.#succeeded.has(fault.operation)) throw stop();
    if (this.#inARow(fault, source)) throw stop();
    return { kind: 'failed' };
  }

  /** A key that KMS refuses is the target's or the version's own; where the message names none, a read decides. */
  async #kms(fault: StoreFault, source: Encryption | undefined, opens: () => Promise<boolean>): Promise<Disposition> {
    const own = source && holdingKey(source);
    const namesOwn = own !== undefined && fault.message.includes(own);
    const isTarget =
      fault.message.includes(this.#targetKeyArn) || (!namesOwn && (own === undefined || (await opens())));
    if (isTarget) {
      const facts = { keyArn: this.#targetKeyArn, awsCode: fault.code, awsMessage: fault.message };
      throw new KeyturnError('target-key-unusable', facts, fault);
    }
    return unusable(fault);
  }

  #exhausted(fault: StoreFault): Disposition {
    if (fault.status !== 0) return { kind: 'failed' };
    this.#unreachable += 1;
    if (this.#unreachable >= UNREACHABLE_ROW) throw new RunStopped({ because: 'endpoint', detail: faultText(fault) });
    return { kind: 'failed' };
  }

  #inARow(fault: StoreFault, source: Encryption | undefined): boolean {
    const pair = source ? pairOf(fault.operation, source) : fault.operation;
    if (this.#succeeded.has(pair)) return false;
    const row = (this.#row.get(pair) ?? 0) + 1;
    this.#row.set(pair, row);
    return row >= ROW;
  }
}

/** Reading uses the version's own key and no other. */
function isRead({ operation }: StoreFault): boolean {
  return operation === 'HeadObject' || operation === 'GetObject';
}

function unusable({ code, message }: StoreFault): Disposition {
  return { kind: 'blocked', reason: 'source-key-unusable', detail: `${code}: ${message}` };
}

function pairOf(operation: string, source: Encryption): string {
  return `${operation} ${source.kind} ${holdingKey(source) ?? ''}`;
}

function actionOf(fault: StoreFault): string {
  return ACTIONS[fault.operation] ?? `s3:${fault.operation}`;
}

function unsupported(fault: StoreFault, ref: VersionRef): KeyturnError {
  const facts = { bucket: ref.bucket, operation: fault.operation, answer: faultText(fault) };
  return new KeyturnError(
    fault.operation === 'UpdateObjectEncryption' ? 'rewrap-unsupported' : 'rewrite-unsupported',
    facts,
    fault,
  );
}
