import { createHash, randomBytes } from 'node:crypto';
import type { Caller, CallingService, Clock } from './message';

/** An access key pair, as a client is configured with it. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Present for temporary credentials only. */
  readonly sessionToken?: string;
}

/** What the endpoint knows of an access key. */
export interface KnownAccessKey extends AccessKey {
  readonly caller: Caller;
  /** Milliseconds since the epoch; temporary credentials only. */
  readonly expiresAt?: number;
}

/** The pair a fresh endpoint accepts. AWS's own documentation uses it as its example: it opens nothing anywhere. */
export const defaultAccessKey: AccessKey = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

/** The access keys an endpoint accepts, and what each may do. */
export interface Credentials {
  find(accessKeyId: string): KnownAccessKey | undefined;
  /** Adds a long-term access key of the IAM user `userName`, of this account unless another is given. */
  addUser(userName: string, key?: AccessKey, account?: string): AccessKey;
  /** Adds an access key for the requests that an AWS service makes in its own name. AWS gives nobody such a key. */
  addService(service: CallingService): AccessKey;
  /** Adds temporary credentials of an assumed role, expiring after `lifetime` milliseconds (default: one hour). */
  addTemporary(options?: { readonly roleName?: string; readonly lifetime?: number }): Required<AccessKey>;
  /** Adds the temporary credentials of a role's session, good until `expiresAt`, milliseconds since the epoch. */
  addSession(session: Omit<Caller, 'accessKeyId'>, expiresAt: number): Required<AccessKey>;
  /**
   * Limits an access key to these IAM actions (`kms:CreateKey`, `s3:GetObject`, `s3:*`); everything else is answered with
   * access denied. Without `actions` the limit is lifted.
   */
  limit(accessKeyId: string, actions?: readonly string[]): void;
  permits(accessKeyId: string, action: string): boolean;
  /**
   * Whether the policies of keys, buckets and users decide for every access key, as they do for the sessions of roles. A user that IAM
   * does not have may do what those of keys and buckets leave to its account; one of another account may do what they admit it to. Default
   * false: other accounts are denied everything.
   */
  enforced: boolean;
}

/** Makes the {@link Credentials} of one account, holding `first` to begin with. */
export function createCredentials(accountId: string, clock: Clock, first: AccessKey = defaultAccessKey): Credentials {
  const keys = new Map<string, KnownAccessKey>();
  const limits = new Map<string, RegExp>();

  const addUser = (userName: string, key: AccessKey = randomKey('AKIA'), account = accountId): AccessKey => {
    const arn = `arn:aws:iam::${account}:user/${userName}`;
    keys.set(key.accessKeyId, { ...key, caller: caller(key, account, arn, uniqueId('AIDA', arn)) });
    return key;
  };
  addUser('local-aws', first);

  return {
    find: (accessKeyId) => keys.get(accessKeyId),
    addUser,
    addService(service) {
      const key = randomKey('AKIA');
      keys.set(key.accessKeyId, { ...key, caller: { ...caller(key, accountId, service.name, service.name), service } });
      return key;
    },
    addTemporary({ roleName = 'local-aws', lifetime = 3_600_000 } = {}) {
      const key = temporaryKey();
      const arn = `arn:aws:sts::${accountId}:assumed-role/${roleName}/session`;
      const userId = `${uniqueId('AROA', roleName)}:session`;
      keys.set(key.accessKeyId, {
        ...key,
        caller: caller(key, accountId, arn, userId),
        expiresAt: clock.now() + lifetime,
      });
      return key;
    },
    addSession(session, expiresAt) {
      const key = temporaryKey();
      keys.set(key.accessKeyId, { ...key, caller: { ...session, accessKeyId: key.accessKeyId }, expiresAt });
      return key;
    },
    limit(accessKeyId, actions) {
      if (actions === undefined) limits.delete(accessKeyId);
      else limits.set(accessKeyId, actionPattern(actions));
    },
    permits: (accessKeyId, action) => limits.get(accessKeyId)?.test(action) ?? true,
    enforced: false,
  };
}

function caller(key: AccessKey, accountId: string, arn: string, userId: string): Caller {
  return { accessKeyId: key.accessKeyId, accountId, arn, userId };
}

const temporaryKey = (): Required<AccessKey> => ({
  ...randomKey('ASIA'),
  sessionToken: randomBytes(96).toString('base64'),
});

function randomKey(prefix: string): AccessKey {
  return {
    accessKeyId: uniqueId(prefix, randomBytes(20).toString('hex')),
    secretAccessKey: randomBytes(30).toString('base64'),
  };
}

/** An identifier in IAM's form: a four letter prefix and 16 characters of base 32. */
export function uniqueId(prefix: string, seed: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const digest = createHash('sha256').update(seed).digest().subarray(0, 16);
  return prefix + Array.from(digest, (byte) => alphabet[byte % 32]).join('');
}

/** IAM's wildcards: `*` for any characters, `?` for one; actions are compared without regard to case. */
function actionPattern(actions: readonly string[]): RegExp {
  const alternatives = actions.map((action) =>
    action
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.'),
  );
  return new RegExp(`^(?:${alternatives.join('|') || '(?!)'})$`, 'i');
}
