import type { EventCaller } from '../cloudtrail/event-record';
import { callerName, type KeyUse, type ShownUse, shownUse } from '../cloudtrail/key-uses';
import type { AccessWaiver } from '../rotation/settings';
import { type Candidate, candidates, requestOf } from './askers';
import type { Truth } from './conditions';
import { type Access, type AccessRequest, type Asker, decide } from './decide';
import { fixFor, saySame } from './lost-access';
import type { PolicyStatement } from './policy';

/** Somebody who used the old key, and what becomes of that use under the new one. */
export interface UsedAccess extends ShownUse {
  /**
   * `keeps`: the new key allows it. `lost`: the new key, or IAM, refuses it. `left-to-iam`: IAM policies decide that were not read.
   * `unknown`: it depends on what is not known or not evaluated.
   */
  readonly verdict: 'keeps' | 'lost' | 'left-to-iam' | 'unknown';
  /** Why IAM's own simulation makes it unknown; null: it does not. */
  readonly note: string | null;
  readonly fix: string;
  /** The waiver that lets the switch happen anyway; null: none. */
  readonly waiver: AccessWaiver | null;
}

/** What the identity policies of the account say of a principal's request for the new key. */
export interface IdentitySays {
  /** Whether they allow it, within the permissions boundary. */
  readonly allows: Truth;
  /** Whether one denies it in words. */
  readonly denies: Truth;
  /** Whether the permissions boundary lets it through; `yes` without one. */
  readonly boundary: Truth;
}

/** Undefined: the policies were not read, or nobody of that name is in them. */
export type IdentityAccess = (arn: string, request: AccessRequest) => IdentitySays | undefined;

export interface UseFacts {
  readonly from: readonly PolicyStatement[];
  readonly to: readonly PolicyStatement[];
  readonly region: string;
  /** The account of the keys. */
  readonly account: string;
  readonly identity: IdentityAccess;
  /** Whether a grant on the new key allows the same. */
  granted(who: string, operation: string): boolean;
  /** Whether a grant on the old key may have let somebody of an account use it. */
  grantedBefore(account: string): boolean;
  readonly waivers: readonly AccessWaiver[];
  readonly now: Date;
}

/** Weighs one use of the old key against what holds for the new one. */
export function usedAccess(use: KeyUse, facts: UseFacts): UsedAccess {
  const who = callerName(use.by);
  const isGranted = facts.granted(who, use.operation);
  const verdict = isGranted ? 'keeps' : verdictOf(use, facts);
  const day = facts.now.toISOString().slice(0, 10);
  return {
    ...shownUse(use),
    verdict,
    note: null,
    fix: fixOf(use, facts),
    waiver: facts.waivers.find((one) => one.who === who && one.until >= day) ?? null,
  };
}

/**
 * The request of a user or role of the account, and what its policies say of it, where those have a say: undefined for everybody else,
 * and where the new key itself refuses.
 */
export function identityRequest(use: KeyUse, facts: UseFacts) {
  const { by } = use;
  if (by.kind !== 'principal' || by.account !== facts.account) return undefined;
  const request = requestFor(use, { asker: askerOf(by), source: {} }, facts);
  const said = decide(facts.to, request) === 'denied' ? undefined : facts.identity(by.arn, request);
  return said && { arn: by.arn, request, said };
}

function verdictOf(use: KeyUse, facts: UseFacts): UsedAccess['verdict'] {
  if (use.by.kind === 'service') return verdictOfService(use, use.by.name, facts);
  const request = requestFor(use, { asker: askerOf(use.by), source: {} }, facts);
  const access = decide(facts.to, request);
  if (access === 'denied')
    return use.by.kind === 'account' && use.by.account !== facts.account
      ? verdictOfHidden(use, use.by.account, facts)
      : 'lost';
  if (access === 'unknown' && !saySame(facts.from, facts.to, request)) return 'unknown';
  return byIdentity(use.by, access, request, facts);
}

/**
 * CloudTrail shows of another account nothing but its id. If the old key admits principals of it by name alone, it was one of them.
 * A new key that admits somebody of it may admit whoever that was.
 */
function verdictOfHidden(use: KeyUse, account: string, facts: UseFacts): 'keeps' | 'lost' | 'unknown' {
  const { from, to } = facts;
  const asked = (asker: Asker) => requestFor(use, { asker, source: {} }, facts);
  const named = (policy: readonly PolicyStatement[]) =>
    candidates(policy).flatMap(({ asker }) => (asker.kind === 'principal' && asker.account === account ? [asker] : []));
  const before = named(from).filter((asker) => decide(from, asked(asker)) !== 'denied');
  const isByName = decide(from, asked({ kind: 'account', account })) === 'denied' && !facts.grantedBefore(account);
  const likely = isByName && before.length > 0 ? before : named(to);
  const after = likely.map((asker) => decide(to, asked(asker)));
  if (after.every((access) => access === 'denied')) return 'lost';
  return likely === before && after.every((access) => access === 'allowed') ? 'keeps' : 'unknown';
}

/** What is left to decide once the key's policy lets the request through, or would for all that is known. */
function byIdentity(
  by: Exclude<EventCaller, { kind: 'service' }>,
  access: Exclude<Access, 'denied'>,
  request: AccessRequest,
  { identity, account }: UseFacts,
): UsedAccess['verdict'] {
  const isOwn = by.account === account;
  // The root user of the account needs no policy.
  if (by.kind === 'account') return isOwn || access === 'allowed' ? 'keeps' : 'left-to-iam';
  const said = isOwn ? identity(by.arn, request) : undefined;
  if (said === undefined) return access === 'allowed' ? 'keeps' : 'left-to-iam';
  if (said.denies !== 'no') return said.denies === 'yes' ? 'lost' : 'unknown';
  if (access === 'allowed') return said.boundary === 'yes' ? 'keeps' : 'unknown';
  if (said.allows !== 'no') return said.allows === 'yes' ? 'keeps' : 'unknown';
  // With an unknown condition the key's policy may name the principal itself.
  return access === 'left-to-iam' ? 'lost' : 'unknown';
}

/** A service sends what the old policy demands of it: CloudTrail does not show it. */
function verdictOfService(use: KeyUse, name: string, facts: UseFacts): UsedAccess['verdict'] {
  const named = candidates(facts.from).filter(({ asker }) => asker.kind === 'service' && asker.name === name);
  const asked = named.length === 0 ? [{ asker: { kind: 'service', name } as const, source: {} }] : named;
  const verdicts = asked.map((candidate) => {
    const request = requestFor(use, candidate, facts);
    const access = decide(facts.to, request);
    const isSame = access === 'unknown' && saySame(facts.from, facts.to, request);
    return access === 'allowed' || isSame ? 'keeps' : access;
  });
  if (verdicts.every((one) => one === 'keeps')) return 'keeps';
  return verdicts.every((one) => one === 'denied') ? 'lost' : 'unknown';
}

const askerOf = (by: Exclude<EventCaller, { kind: 'service' }>): Asker =>
  by.kind === 'principal' ? { kind: 'principal', arn: by.arn, account: by.account } : by;

/** The request that the caller made, for the new key. */
function requestFor(use: KeyUse, candidate: Candidate, { region }: UseFacts): AccessRequest {
  const way = use.through === 's3' ? 'through S3' : 'outside S3';
  const { asker, known } = requestOf(candidate, 'read', way, region);
  const s3Arn = 'kms:encryptioncontext:aws:s3:arn';
  return {
    asker,
    action: use.action,
    known(key) {
      if (key === s3Arn && use.through === 's3') return use.s3Arn === undefined ? undefined : [use.s3Arn];
      // Another service in between: which one, CloudTrail does not show for certain.
      if (key === 'kms:viaservice' && use.through !== undefined && use.through !== 's3') return undefined;
      return known(key);
    },
  };
}

/** The line that mends it: where IAM refuses, the key's policy can name the principal. */
function fixOf(use: KeyUse, { from }: UseFacts): string {
  if (use.by.kind !== 'service')
    return fixFor({ asker: askerOf(use.by), source: {} }, use.through === 's3' ? 'through S3' : 'outside S3');
  const { name } = use.by;
  const named = candidates(from).find(({ asker }) => asker.kind === 'service' && asker.name === name);
  return fixFor(named ?? { asker: { kind: 'service', name }, source: {} }, 'through S3');
}
