import { type Candidate, candidates, requestOf, USES, type Use, unnamed, type Way } from './askers';
import { type Access, type AccessRequest, concerning, covers, decide } from './decide';
import type { PolicyStatement } from './policy';

/** Somebody who may use the old key and may not, or may not for certain, use the new one in the same way. */
export interface LostAccess {
  /** ARN, `account 111122223333`, a service's principal, or `everybody`. */
  readonly who: string;
  readonly way: Way;
  readonly uses: readonly Use[];
  /**
   * `lost`: the new key refuses. `left-to-iam`: the old key names them, the new one leaves it to the policies of their
   * account. `unknown`: one of the policies depends on what is not known or not evaluated.
   */
  readonly verdict: 'lost' | 'left-to-iam' | 'unknown';
  /** The line that mends it. */
  readonly fix: string;
}

/**
 * Who may use the key of one policy and not that of another, by what the two policies say. Identities that only the policies of
 * an account allow are seen as that account.
 *
 * @param region - of the bucket and the keys
 */
export function lostAccess(
  from: readonly PolicyStatement[],
  to: readonly PolicyStatement[],
  region: string,
): readonly LostAccess[] {
  const found = new Map<string, LostAccess>();
  for (const candidate of candidates(from)) {
    for (const way of waysOf(candidate)) {
      for (const use of Object.keys(USES) as Use[]) {
        const request = requestOf(candidate, use, way, region);
        const verdict = compared(decide(from, request), decide(to, request));
        if (verdict === undefined || saySame(from, to, request)) continue;
        const who = nameOf(candidate);
        const key = `${who} ${way} ${verdict}`;
        const uses = [...new Set([...(found.get(key)?.uses ?? []), use])];
        found.set(key, { who, way, uses, verdict, fix: fixFor(candidate, way) });
      }
    }
  }
  return [...found.values(), ...unnamedAccess(from, to)].filter((one, _, all) => !repeats(one, all));
}

/** Whom a statement admits that nobody can name here: unknown, unless the new policy has the same statement. */
function unnamedAccess(from: readonly PolicyStatement[], to: readonly PolicyStatement[]): readonly LostAccess[] {
  const kept = new Set(to.filter(({ principals }) => principals !== undefined).map(meaning));
  return unnamed(from).flatMap((statement): LostAccess[] => {
    const uses = (Object.keys(USES) as Use[]).filter((use) => covers(statement, USES[use]));
    if (uses.length === 0 || (statement.principals !== undefined && kept.has(meaning(statement)))) return [];
    const who = `statement ${statement.sid ?? from.indexOf(statement) + 1}`;
    const fix = 'read the statement, and name whom it admits under keyPolicy';
    return [{ who, way: 'through S3', uses, verdict: 'unknown', fix }];
  });
}

/**
 * True if the new policy has every statement that may allow the request by the old one, and denies no more: then it decides the
 * same, also of what is not known here.
 */
export function saySame(
  from: readonly PolicyStatement[],
  to: readonly PolicyStatement[],
  request: AccessRequest,
): boolean {
  const of = (statements: readonly PolicyStatement[], effect: PolicyStatement['effect']) =>
    concerning(statements, request).filter((one) => one.effect === effect);
  const [allowed, denied] = [new Set(of(to, 'Allow').map(meaning)), new Set(of(from, 'Deny').map(meaning))];
  // What NotPrincipal names is not read, so no two of them are the same.
  const isIn = (there: ReadonlySet<string>) => (one: PolicyStatement) =>
    one.principals !== undefined && there.has(meaning(one));
  return of(from, 'Allow').every(isIn(allowed)) && of(to, 'Deny').every(isIn(denied));
}

/** A statement without its name, in one order. */
function meaning({ effect, principals, actions, conditions }: PolicyStatement): string {
  const sorted = <T>(all: readonly T[]): readonly string[] => all.map((one) => JSON.stringify(one)).sort();
  return JSON.stringify([
    effect,
    sorted(principals ?? []),
    actions.not,
    sorted(actions.patterns),
    sorted(conditions.map(({ operator, key, values }) => [operator, key, sorted(values)])),
  ]);
}

/** A service names itself, whatever it calls. */
const waysOf = ({ asker }: Candidate): readonly Way[] =>
  asker.kind === 'service' ? ['through S3'] : ['through S3', 'outside S3'];

function compared(before: Access, after: Access): LostAccess['verdict'] | undefined {
  if (before === 'denied' || after === 'allowed') return undefined;
  if (before === 'unknown' || after === 'unknown') return after === 'denied' ? 'lost' : 'unknown';
  if (after === 'denied') return 'lost';
  return before === 'allowed' ? 'left-to-iam' : undefined;
}

/** What is lost through S3 is lost outside of it too, and needs no second line. */
function repeats(one: LostAccess, all: readonly LostAccess[]): boolean {
  return one.way === 'outside S3' && all.some((other) => other.way === 'through S3' && other.who === one.who);
}

function nameOf({ asker, source }: Candidate): string {
  if (asker.kind === 'principal') return asker.arn;
  if (asker.kind === 'account') return `account ${asker.account}`;
  if (asker.kind === 'anybody') return 'everybody';
  const sources = Object.values(source);
  return sources.length === 0 ? asker.name : `${asker.name} for ${sources.join(', ')}`;
}

/** The entry of the rotation file, or the advice, that lets somebody use the new key. */
export function fixFor({ asker, source }: Candidate, way: Way): string {
  if (asker.kind === 'service') {
    const arn = source['aws:sourcearn'];
    const account = source['aws:sourceaccount'];
    const arns = arn === undefined ? [] : [`sourceArns: [${arn}]`];
    const accounts = account === undefined ? [] : [`sourceAccounts: ["${account}"]`];
    return `keyPolicy.services: { ${[`service: ${asker.name}`, ...arns, ...accounts].join(', ')} }`;
  }
  if (way === 'outside S3') return 'give what calls KMS itself another key: the keys of a rotation serve S3 alone';
  if (asker.kind === 'principal') return `keyPolicy.users: ${asker.arn}`;
  if (asker.kind === 'account') return `keyPolicy.users: the principals of account ${asker.account} that read or write`;
  return 'keyPolicy.users: the principals that read or write';
}
