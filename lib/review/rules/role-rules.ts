import { batchPrefix, bucketsListedByS3 } from '../../rotation/rotation';
import type { ReencryptMethod } from '../../rotation/settings';
import { ROLE, ROLE_POLICY } from '../own-addresses';
import type { PlannedChange } from '../plan-document';
import { list, same, text, type Values } from '../plan-values';
import { conditionValues, type PlainStatement, readStatements, textsOf } from '../planned-iam-policy';
import { listed, type Words, words } from '../review-messages';
import type { ReviewRule, RuleContext, Sighting } from '../review-rule';

const SERVICE = 'batchoperations.s3.amazonaws.com';

/** What a job may do to objects, by method; repeated here, so that the review does not trust the program's own list. */
const OBJECT_ACTIONS: Readonly<Record<ReencryptMethod, RegExp>> = {
  rewrap: /^s3:(GetObject|GetObjectVersion|UpdateObjectEncryption)$/i,
  rewrite: /^s3:(Get|Put)Object(Version)?(Acl|Tagging)?$/i,
};
const KEY_ACTIONS = /^kms:(Decrypt|Encrypt|GenerateDataKey|ReEncryptFrom|ReEncryptTo)$/i;
const LEAVING = /^kms:(Decrypt|ReEncryptFrom)$/i;
const MANIFEST_ACTIONS = /^s3:(GetObject|GetObjectVersion|PutObject)$/i;

const changed = ({ plan }: RuleContext, address: string): readonly PlannedChange[] =>
  plan.changes.filter((one) => one.address === address && ['create', 'update', 'replace'].includes(one.action));

const wider: ReviewRule = {
  id: 'KT045',
  title: "the jobs' role admits a principal or allows an action that its jobs do not need",
  severity: 'error',
  why: 'A principal that assumes the role has its permissions on every object of the rotation, without being named in a key policy.',
  next: 'Synthesize and plan again from the rotation file. Create another role for other jobs.',
  waivable: true,
  look: (context) => [
    ...changed(context, ROLE).flatMap((change) => roleFaults(context, change)),
    ...changed(context, ROLE_POLICY).flatMap((change) => policyFaults(context, change)),
  ],
};

function roleFaults(context: RuleContext, { address, before, after }: PlannedChange): readonly Sighting[] {
  const trust = readStatements(text(after?.assume_role_policy));
  const found = (trust?.statements ?? []).flatMap((statement) => trustFaults(context, statement));
  for (const attached of ['managed_policy_arns', 'inline_policy'] as const) {
    const now = list(after?.[attached]);
    if (now.length > 0 && !same(now, list(before?.[attached])))
      found.push([...words`the role is given `, attached, ...words` of its own: ${String(now.length)}`]);
  }
  if (text(before?.permissions_boundary) !== undefined && text(after?.permissions_boundary) === undefined)
    found.push(words`its permissions boundary is removed`);
  return found.map((message) => ({ address, message }));
}

function trustFaults(context: RuleContext, { effect, principal, actions, condition }: PlainStatement): Words[] {
  if (effect === 'Deny') return [];
  const found: Words[] = [];
  const others = whoOf(principal).filter((one) => one !== SERVICE);
  if (others.length > 0) found.push(words`the role can be assumed by ${listed(others)}`);
  const more = actions.filter((action) => action.toLowerCase() !== 'sts:assumerole');
  if (more.length > 0) found.push(words`the role's trust allows ${listed(more)}`);
  const operators = ['stringequals', 'stringequalsifexists'];
  const accounts = conditionValues(condition, operators, 'aws:SourceAccount');
  const own = ownAccount(context);
  if (accounts.length !== 1 || (own !== undefined && accounts[0] !== own))
    found.push(
      words`the role's trust is not bound to this account: ${accounts.length === 0 ? 'no aws:SourceAccount' : listed(accounts)}`,
    );
  return found;
}

/** All names of a principal element; services by their name alone. */
function whoOf(principal: unknown): readonly string[] {
  if (typeof principal === 'string') return [principal];
  const kinds = Object.entries((principal ?? {}) as Values);
  return kinds.flatMap(([kind, who]) =>
    (textsOf(who) ?? ['?']).map((one) => (kind === 'Service' ? one : `${kind}: ${one}`)),
  );
}

function ownAccount({ rotation, plan }: RuleContext): string | undefined {
  const caller = plan.prior.find(({ type }) => type === 'aws_caller_identity')?.values.account_id;
  return rotation.account ?? text(caller);
}

function policyFaults(context: RuleContext, { address, after }: PlannedChange): readonly Sighting[] {
  const policy = readStatements(text(after?.policy));
  const beyond = (policy?.statements ?? [])
    .filter(({ effect }) => effect === 'Allow')
    .flatMap((statement) =>
      statement.resources.flatMap((resource) => {
        const actions = statement.actions.filter((action) => !needed(context, statement, action, resource));
        return actions.length === 0 ? [] : [words`the role may ${listed(actions)} on ${resource}`];
      }),
    );
  return beyond.map((message) => ({ address, message }));
}

function needed(context: RuleContext, statement: PlainStatement, action: string, resource: string): boolean {
  const { rotation } = context;
  const { method, batch } = rotation.reencrypt;
  const key = /^arn:[a-z-]+:kms:/.test(resource);
  if (key) return keyNeeded(context, statement, action, resource);
  const place = /^arn:[a-z-]+:s3:::(.+)$/.exec(resource)?.[1];
  if (place === undefined || batch === undefined) return false;
  const files = `${batch.bucket}/${batchPrefix(rotation)}`;
  if (place === `${files}manifests*`) {
    const listedByS3 = bucketsListedByS3(rotation).length > 0;
    return MANIFEST_ACTIONS.test(action) && (listedByS3 || !/put/i.test(action));
  }
  if (place === `${files}reports/*`) return /^s3:PutObject$/i.test(action);
  if (bucketsListedByS3(rotation).includes(place)) return /^s3:PutInventoryConfiguration$/i.test(action);
  return rotation.buckets.some(({ name }) => place === `${name}/*`) && OBJECT_ACTIONS[method].test(action);
}

/** A key of a declared version, through S3 of the Region; one that is left is not written under. */
function keyNeeded(
  { rotation, keys, plan }: RuleContext,
  { condition }: PlainStatement,
  action: string,
  resource: string,
): boolean {
  const through = conditionValues(condition, ['stringequals'], 'kms:ViaService');
  if (through.length !== 1 || through[0] !== `s3.${rotation.region}.amazonaws.com`) return false;
  if (resource.endsWith(':key/*')) {
    // Versions after the active one, whose keys need not exist: by the aliases of the rotation's versions alone.
    const aliases = conditionValues(condition, ['foranyvalue:stringlike'], 'kms:ResourceAliases');
    return aliases.length === 1 && aliases[0] === `${rotation.alias}/*` && LEAVING.test(action);
  }
  const version = keys.find(resource)?.version;
  // A redacted plan has no data sources, so the key is unknown.
  if (version === undefined)
    return plan.form === 'redacted' && /:key\/[\w-]+$/.test(resource) && KEY_ACTIONS.test(action);
  return (version === rotation.activeVersion ? KEY_ACTIONS : LEAVING).test(action);
}

const notUnderstood: ReviewRule = {
  id: 'KT046',
  title: "the jobs' role cannot be reviewed",
  severity: 'warning',
  why: 'A trust policy or policy that is known only after the apply, or a statement with NotAction, NotResource or an unknown member, may allow anything.',
  next: "Apply the keys stack before planning the storage stack, so that the keys are known. Remove statements that are not the stack's own.",
  waivable: true,
  look: (context) => [
    ...changed(context, ROLE).flatMap((change) => unclear(change, 'assume_role_policy', 'trust')),
    ...changed(context, ROLE_POLICY).flatMap((change) => unclear(change, 'policy', 'policy')),
  ],
};

function unclear({ address, after, unknown }: PlannedChange, attribute: string, what: string): readonly Sighting[] {
  const sighting = (fault: string): readonly Sighting[] => [{ address, message: [`the ${what} of the role `, fault] }];
  if (unknown[attribute] === true) return sighting('is known only after the apply');
  const policy = readStatements(text(after?.[attribute]));
  if (!policy) return sighting('is not a policy');
  return policy.strange === 0 ? [] : sighting(`holds ${policy.strange} statement(s) that are not understood`);
}

export const roleRules: readonly ReviewRule[] = [wider, notUnderstood];
