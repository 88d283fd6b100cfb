import {
  activeVersion,
  boundKeyArn,
  type KeyVersion,
  type Rotation,
  versionAlias,
  versionsWithKeys,
} from '../../rotation/rotation';
import type { Finding } from '../finding';
import { idOf, type KeyClaim, type KeySource, type KnownKeys } from '../known-keys';
import { type Words, words } from '../review-messages';
import type { ReviewRule, RuleContext, Sighting } from '../review-rule';
import { switches } from './switch-rules';

const SOURCES: Readonly<Record<KeySource, string>> = {
  'rotation-file': 'the rotation file',
  binding: 'rotation.lock.json',
  'keys-stack': 'the state of the keys stack',
  'look-up': 'the look-up of the plan',
  aws: 'AWS',
};

const twoKeys: ReviewRule = {
  id: 'KT024',
  title: 'a version stands for two keys, or a key for two versions',
  severity: 'error',
  why: 'Whoever can move a version alias could put the main alias and the bucket defaults under a key of their own.',
  next: 'Find out who moved the alias (CloudTrail: UpdateAlias), move it back to the bound key, and plan again. Never change the binding to fit.',
  waivable: false,
  look: (context) => [...newKeys(context), ...otherTargets(context)],
};

/** A plan that makes a key for a version that is bound to one. */
function newKeys({ plan, rotation }: RuleContext): readonly Sighting[] {
  return plan.changes.flatMap(({ address, type, action }): Sighting[] => {
    const name = /^aws_kms_external_key\.version_(.+)$/.exec(address)?.[1];
    const bound = rotation.binding.find((one) => one.name === name);
    if (type !== 'aws_kms_external_key' || !['create', 'replace'].includes(action) || bound === undefined) return [];
    return [{ address, message: words`a new key is created for ${bound.name}, which is bound to ${bound.keyArn}` }];
  });
}

/** A switch to another key than the one that the active version is bound to. */
function otherTargets(context: RuleContext): readonly Sighting[] {
  const { rotation } = context;
  const active = activeVersion(rotation);
  const bound = boundKeyArn(rotation, active);
  if (bound === undefined) return [];
  return switches(context).flatMap(({ address, what, to }): Sighting[] => {
    if (to === undefined || isSameKey(to, bound)) return [];
    return [{ address, message: words`${what} moves to ${to}, and ${active.name} is bound to ${bound}` }];
  });
}

/** A provider may write a bare id; two ARNs must be equal, for another account or Region is another key. */
const isSameKey = (one: string, other: string): boolean =>
  one.startsWith('arn:') ? one === other : one === idOf(other);

/** What the sources of a review say of one version, or of one key, where they differ. */
function contradictions(rotation: Rotation, keys: KnownKeys): readonly Words[] {
  const versions = versionsWithKeys(rotation).flatMap(({ name }): Words[] => {
    const claims = keys.claims.filter(({ version }) => version === name);
    return differ(claims, ({ arn }) => arn) ? [words`${name} is ${joined(claims, ({ arn }) => words`${arn}`)}`] : [];
  });
  const arns = [...new Set(keys.claims.map(({ arn }) => arn))];
  const shared = arns.flatMap((id): Words[] => {
    const claims = keys.claims.filter(({ arn }) => arn === id);
    return differ(claims, ({ version }) => version)
      ? [words`the key ${id} is ${joined(claims, ({ version }) => words`${version}`)}`]
      : [];
  });
  return [...versions, ...shared];
}

const differ = (claims: readonly KeyClaim[], what: (one: KeyClaim) => string): boolean =>
  new Set(claims.map(what)).size > 1;

/** `arn:… by rotation.lock.json, arn:… by the look-up of the plan`, each once. */
function joined(claims: readonly KeyClaim[], what: (one: KeyClaim) => Words): Words {
  const parts = claims.map((one): Words => [...what(one), ` by ${SOURCES[one.source]}`]);
  const once = [...new Map(parts.map((part) => [JSON.stringify(part), part])).values()];
  return once.flatMap((part, index) => [...(index > 0 ? [', '] : []), ...part]);
}

const notBound: ReviewRule = {
  id: 'KT025',
  title: 'the active version is not bound, though others are',
  severity: 'error',
  why: 'Then the version alias alone decides which key it is, and somebody may have taken the binding out for that.',
  next: 'Put the binding into the same pull request: npx keyturn propose switch, or npx keyturn pre-apply, and commit rotation.lock.json.',
  waivable: false,
  look: ({ rotation, stack }) => {
    const active = activeVersion(rotation);
    const isBound = active.keyArn !== undefined || rotation.binding.some(({ name }) => name === active.name);
    if (stack === 'keys' || rotation.binding.length === 0 || isBound) return [];
    const others = rotation.binding.map(({ name }) => name).join(', ');
    return [{ message: words`rotation.lock.json binds ${others}, and not ${active.name}, which is active` }];
  },
};

const trusted: ReviewRule = {
  id: 'KT026',
  title: 'alias or bucket default moves to a key that nothing binds',
  severity: 'warning',
  why: 'The review trusts the version alias, which anybody with kms:UpdateAlias can move.',
  next: 'Run npx keyturn pre-apply, commit rotation.lock.json, and plan again. Or pass the plan of the keys stack too, whose state knows the key.',
  waivable: true,
  look: (context) => {
    const { rotation, keys } = context;
    const active = activeVersion(rotation);
    const [holder = active] = rotation.strategy === 'in-place' ? rotation.keyVersions : [active];
    if (keys.claims.some(({ source, version }) => source === 'keys-stack' && version === holder.name)) return [];
    if (rotation.binding.length > 0 || boundKeyArn(rotation, active) !== undefined) return [];
    return switches(context).map(({ address, what, to }) => ({
      address,
      message: words`${what} moves to ${to ?? 'a key'}, which is ${active.name} only because ${versionAlias(rotation, active)} leads to it`,
    }));
  },
};

const sealedForOthers: ReviewRule = {
  id: 'KT027',
  title: 'alias or bucket default moves to material that is sealed for somebody whom the rotation file does not name',
  severity: 'warning',
  why: 'Whoever opens the copy in custody has the key material of every new object.',
  next: 'Compare the recipients with custody.age.recipients. If one is unknown, rotate to a version whose material pre-apply generates.',
  waivable: true,
  look: (context) => {
    const { rotation } = context;
    const bound = rotation.binding.find(({ name }) => name === rotation.activeVersion);
    const named = rotation.custody.age?.recipients ?? [];
    const strangers = bound?.recipients.filter((one) => !named.includes(one)) ?? [];
    const [first] = switches(context);
    if (bound === undefined || first === undefined || strangers.length === 0) return [];
    return [
      { address: first.address, message: words`the material of ${bound.name} is sealed for ${strangers.join(', ')}` },
    ];
  },
};

/** The findings of what all plans, the binding and AWS say together. */
export function bindingFindings(rotation: Rotation, keys: KnownKeys): readonly Finding[] {
  const { id: rule, severity } = twoKeys;
  return contradictions(rotation, keys).map((message) => ({
    rule,
    severity,
    plan: undefined,
    address: undefined,
    message,
  }));
}

/** What each version of ours stands for, one sentence each: what the reviewer relies on, or has to trust. */
export function bindingWords(rotation: Rotation, keys: KnownKeys): readonly Words[] {
  return rotation.keyVersions.flatMap((version): Words[] => {
    if (version.keyArn !== undefined) return [];
    const bound = rotation.binding.find(({ name }) => name === version.name);
    if (bound === undefined) return [unboundWords(rotation, version, keys)];
    const { keyArn, keyMaterialId, materialValidTo, recipients, custodyRecordSha256 } = bound;
    const material = keyMaterialId === null ? words`material that KMS does not name` : words`material ${keyMaterialId}`;
    const date = materialValidTo === null ? words`does not expire` : words`valid to ${materialValidTo}`;
    const sealed = recipients.length === 0 ? words`no recipients known` : words`sealed for ${recipients.join(', ')}`;
    const record =
      custodyRecordSha256 === null ? words`no custody record` : words`custody record ${custodyRecordSha256}`;
    const isShown = keys.claims.some((one) => one.source === 'keys-stack' && one.version === version.name);
    // What pre-apply binds first is what the alias led to then; only the keys stack knows which key Terraform made.
    const shown = isShown
      ? words`the state of the keys stack is in this review`
      : words`trusted as rotation.lock.json has it: the state of the keys stack is not in this review`;
    return [words`${version.name} is ${keyArn}: ${material}, ${date}, ${sealed}, ${record}; ${shown}`];
  });
}

function unboundWords(rotation: Rotation, version: KeyVersion, keys: KnownKeys): Words {
  const made = keys.claims.find(({ source, version: name }) => source === 'keys-stack' && name === version.name);
  return made === undefined
    ? words`${version.name} is not bound: which key it is comes from ${versionAlias(rotation, version)} alone`
    : words`${version.name} is not bound: the state of the keys stack says that it is ${made.arn}`;
}

export const bindingRules: readonly ReviewRule[] = [twoKeys, notBound, trusted, sealedForOthers];
