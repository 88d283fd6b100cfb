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
  why: 'The configuration, the plan and the state then contain the key material in clear, for everybody who can read them.',
  next: 'Remove it and treat the material as leaked: rotate to a version whose material pre-apply generates, and delete old plans and states.',
  waivable: false,
  look: ({ plan }) => search(plan.whole, attributeAt).map(sighting),
};

const looksSecret: ReviewRule = {
  id: 'KT011',
  title: 'something looks like key material, its hash, or a private key',
  severity: 'error',
  why: 'Key material and its SHA-256 are 32 bytes in base64 or hex, and many people can read a plan and a state.',
  next: 'Find out what it is. If it is key material, treat it as leaked and rotate; otherwise waive this finding for its address.',
  waivable: true,
  look: ({ plan }) => search(plan.whole, secretAt).map(sighting),
};

const sighting = ({ what, path, address }: Found): Sighting => ({
  ...(address === undefined ? {} : { address }),
  message: [what, ...words` at ${path}`],
});

function attributeAt(place: Place): string | undefined {
  const { step, value } = place;
  if (step !== ATTRIBUTE || value === null || value === undefined || value === '' || value === false) return undefined;
  if (typeof value === 'object' && Object.keys(value).length === 0) return undefined;
  // The sensitive-value masks are true for the attribute whether it is set or not.
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

/** S3 identifies an account by 64 hex digits in ACLs; they are not secret for users of the bucket. */
function isCanonicalUser({ step, up }: Place): boolean {
  if (step === 'canonical_user_id') return true;
  return step === 'id' && (values(up?.value).type === 'CanonicalUser' || up?.up?.step === 'owner');
}

export const materialRules: readonly ReviewRule[] = [attributeSet, looksSecret];
