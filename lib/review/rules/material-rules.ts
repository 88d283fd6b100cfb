import { values } from '../plan-values';
import { words } from '../review-messages';
import type { ReviewRule, Sighting } from '../review-rule';
import { type Found, type Place, pathOf, search } from '../secret-search';
import { secretIn } from '../secrets';

const ATTRIBUTE = 'key_material_base64';

const attributeSet: ReviewRule = {
  id: 'KT010',
  title: 'key_material_base64 is set',
  severity: 'error',
  why: 'The key material then stands in clear in the configuration, the plan and the state, for everybody who reads any of them.',
  next: 'Take it out and treat that material as leaked: rotate to a version whose material pre-apply generates, and remove old plans and states.',
  waivable: false,
  look: ({ plan }) => search(plan.whole, attributeAt).map(sighting),
};

const looksSecret: ReviewRule = {
  id: 'KT011',
  title: 'something looks like key material, its hash, or a private key',
  severity: 'error',
  why: '32 bytes in base64 or hex are what key material and its SHA-256 look like, and a plan and a state are read by many.',
  next: 'Find out what it is. If it is material, treat it as leaked and rotate; if it is not, waive this for its address.',
  waivable: true,
  look: ({ plan }) => search(plan.whole, secretAt).map(sighting),
};

const sighting = ({ what, path, address }: Found): Sighting => ({
  ...(address === undefined ? {} : { address }),
  says: [what, ...words` at ${path}`],
});

function attributeAt(place: Place): string | undefined {
  const { step, value } = place;
  if (step !== ATTRIBUTE || value === null || value === undefined || value === '' || value === false) return undefined;
  if (typeof value === 'object' && Object.keys(value).length === 0) return undefined;
  // The shapes of sensitive values say true for the attribute as such, whether it is set or not.
  return pathOf(place).some((one) => /^((before|after)_sensitive|sensitive_values)$/.test(one))
    ? undefined
    : 'key_material_base64 is set';
}

function secretAt(place: Place): string | undefined {
  const name = place.step === undefined ? undefined : secretIn(place.step);
  if (name !== undefined) return `${name}, as the name of a member,`;
  if (typeof place.value !== 'string') return undefined;
  const kind = secretIn(place.value);
  return kind === 'a text of 64 hex digits' && isCanonicalUser(place) ? undefined : kind;
}

/** S3 names an account by 64 hex digits in ACLs; whoever may use the bucket may know them. */
function isCanonicalUser({ step, up }: Place): boolean {
  if (step === 'canonical_user_id') return true;
  return step === 'id' && (values(up?.value).type === 'CanonicalUser' || up?.up?.step === 'owner');
}

export const materialRules: readonly ReviewRule[] = [attributeSet, looksSecret];
