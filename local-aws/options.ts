import { type AwsBehavior, behaviorWith } from './behavior';
import type { AccessKey } from './credentials';
import type { FaultRule } from './faults';
import type { Quotas } from './kms/quota';
import type { WrappingKeySource } from './kms/state/wrapping-keys';
import type { Clock } from './message';
import type { RequestRecord } from './requests';
import type { S3Options } from './s3';
import type { BatchSettings } from './s3-control';

/** A user that has an access key from the start. */
export interface NewUser {
  readonly name: string;
  readonly accessKey: AccessKey;
  /** 12 digits. Default: the account of the endpoint. */
  readonly accountId?: string;
}

/** How an endpoint is started; everything has a default. */
export interface LocalAwsOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** `127.0.0.1` (default), `::1` or `localhost`; nothing else. */
  readonly host?: string;
  /** Default: `ap-northeast-1`. */
  readonly region?: string;
  /** Further Regions that it answers for. Default: none. */
  readonly regions?: readonly string[];
  /** 12 digits. Default: `123456789012`. */
  readonly accountId?: string;
  /** The access key that is accepted from the start. Default: the example key of AWS's documentation. */
  readonly credentials?: AccessKey;
  /** More access keys, of users of this account or of others. */
  readonly users?: readonly NewUser[];
  /** What the time of keys, tokens and objects is counted from; it can be moved at run time. Default: the host's clock. */
  readonly clock?: Clock;
  readonly faults?: readonly FaultRule[];
  /** Called with every request when it is answered. */
  readonly requestLog?: (record: RequestRecord) => void;
  /** Whether the policies of keys, buckets and users decide for every access key. Default false; see `Credentials.enforced`. */
  readonly enforce?: boolean;
  /** Request quotas of KMS and CloudTrail to enforce, in requests a second. Default: none. */
  readonly quotas?: Quotas;
  /**
   * Where the RSA keys come from that material is wrapped under. Default: a new key for every GetParametersForImport. Tests
   * give ready-made keys here, since a new 4096-bit key takes more than a second.
   */
  readonly wrappingKeySource?: WrappingKeySource;
  /** S3's size limits in bytes, lowered so that small bodies meet them. Default: S3's own, 5 GiB and 5 MiB. */
  readonly s3Limits?: S3Options['limits'];
  /** What S3 Batch Operations does where AWS does not say. It goes before {@link behavior}. */
  readonly batch?: BatchSettings;
  /** What AWS does where its documentation is silent; each setting has a default. */
  readonly behavior?: Partial<AwsBehavior>;
}

/** The options with their defaults, checked. Throws `RangeError` naming what is wrong with which. */
export function settle(options: LocalAwsOptions) {
  const { port = 0, host = '127.0.0.1', region = 'ap-northeast-1', accountId = '123456789012' } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`port ${port} is not between 0 and 65535`);
  if (!isLoopback(host)) {
    throw new RangeError(
      `host ${host} is not a loopback address; the endpoint only listens on 127.0.0.1, ::1 or localhost`,
    );
  }
  const regions = [...new Set([region, ...(options.regions ?? [])])];
  const users = options.users ?? [];
  for (const name of regions) {
    if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(name)) throw new RangeError(`region ${name} is not the name of a Region`);
  }
  for (const id of [accountId, ...users.map((user) => user.accountId ?? accountId)]) {
    if (!/^\d{12}$/.test(id)) throw new RangeError(`account ID ${id} is not 12 digits`);
  }
  return { port, host, region, regions, accountId, users, behavior: behaviorWith(options.behavior) };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
