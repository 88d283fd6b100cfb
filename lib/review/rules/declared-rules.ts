import { activeVersion, type Rotation, versionAlias, versionsWithKeys } from '../../rotation/rotation';
import { BUCKET_DEFAULT, defaultEncryption, keyTargetChanges } from '../key-target-changes';
import { bucketAddress, isSupportResource } from '../own-addresses';
import type { PlannedChange } from '../plan-document';
import { text } from '../plan-values';
import { words } from '../review-messages';
import type { ReviewRule, RuleContext, Sighting } from '../review-rule';
import { supportBucketDiffers } from './support-bucket-declared';

const differs: ReviewRule = {
  id: 'KT060',
  title: 'the plan differs from the rotation file',
  severity: 'error',
  why: 'People review the rotation file. A plan of an older, newer or edited configuration makes changes that nobody has reviewed.',
  next: 'Synthesize and plan again from this rotation file.',
  waivable: true,
  look: (context) =>
    context.stack === 'keys' ? keysDiffer(context) : context.stack === 'storage' ? storageDiffers(context) : [],
};

const standing = (plan: RuleContext['plan'], address: string): PlannedChange | undefined =>
  plan.changes.find((change) => change.address === address && change.after !== undefined);

function keysDiffer({ plan, rotation }: RuleContext): readonly Sighting[] {
  const declared = versionsWithKeys(rotation).filter((version) => version.keyArn === undefined);
  const missing = declared.flatMap((version): readonly Sighting[] => {
    const address = `aws_kms_external_key.version_${version.name}`;
    const change = standing(plan, address);
    if (!change) return [{ address, message: words`version ${version.name} is in the file but not in the plan` }];
    return keyDiffers(change, rotation, version.disabled);
  });
  const addresses = new Set(declared.map((version) => `version_${version.name}`));
  const unknown = plan.changes
    .filter(
      ({ type, address, after }) =>
        type === 'aws_kms_external_key' && after && !addresses.has(address.split('.').at(-1) ?? ''),
    )
    .map(({ address }) => ({ address, message: words`${address} is in the plan but is not a version of the file` }));
  const aliases = declared.flatMap((version): Sighting[] => {
    const change = standing(plan, `aws_kms_alias.version_${version.name}`);
    const name = text(change?.after?.name);
    if (!change || name === undefined || name === versionAlias(rotation, version)) return [];
    return [
      {
        address: change.address,
        message: words`the alias of ${version.name} is ${name}, not ${versionAlias(rotation, version)}`,
      },
    ];
  });
  return [...missing, ...unknown, ...aliases];
}

function keyDiffers(
  { address, action, before, after }: PlannedChange,
  rotation: Rotation,
  disabled: boolean,
): readonly Sighting[] {
  if (action === 'no-op' || !after) return [];
  const found: Sighting[] = [];
  const window = after.deletion_window_in_days;
  if (typeof window === 'number' && window !== rotation.deletionWindowDays) {
    found.push({ address, message: words`the deletion window is ${window} days, not ${rotation.deletionWindowDays}` });
  }
  if (typeof after.enabled === 'boolean' && after.enabled !== before?.enabled && after.enabled === disabled) {
    found.push({
      address,
      message: after.enabled
        ? words`it is enabled, but the file declares it disabled`
        : words`it is disabled, but the file does not declare it disabled`,
    });
  }
  return found;
}

function storageDiffers(context: RuleContext): readonly Sighting[] {
  const { plan, rotation, keys } = context;
  const active = activeVersion(rotation);
  // Rotated in place, every version is material of the first one's key.
  const keyHolder = versionsWithKeys(rotation).includes(active) ? active : (rotation.keyVersions[0] ?? active);
  const wanted = active.keyArn ?? versionAlias(rotation, active);
  const lookedUp = plan.prior.find(
    ({ type, mode, address }) =>
      mode === 'data' && type === 'aws_kms_key' && !address.startsWith('data.aws_kms_key.superseded_'),
  );
  const found: Sighting[] = [];
  const given = text(lookedUp?.values.key_id);
  if (given !== undefined && given !== wanted) {
    found.push({
      address: lookedUp?.address ?? '',
      message: words`the plan looks up ${given}, but the active version is ${wanted}`,
    });
  }
  for (const { address, what, to } of keyTargetChanges(plan, rotation)) {
    const version = to === undefined ? undefined : keys.find(to)?.version;
    if (version === undefined || version === keyHolder.name) continue;
    found.push({
      address,
      message: words`${what} moves to ${version}, but the active version of the file is ${active.name}`,
    });
  }
  const main = standing(plan, 'aws_kms_alias.main');
  const name = text(main?.after?.name);
  if (name !== undefined && name !== rotation.alias) {
    found.push({ address: 'aws_kms_alias.main', message: words`the main alias is ${name}, not ${rotation.alias}` });
  }
  return [...found, ...bucketsDiffer(context), ...supportBucketDiffers(context)];
}

function bucketsDiffer({ plan, rotation }: RuleContext): readonly Sighting[] {
  const declared = rotation.buckets.flatMap((bucket): Sighting[] => {
    const address = bucketAddress(BUCKET_DEFAULT, bucket);
    const change = standing(plan, address);
    if (!change)
      return [
        {
          address,
          message: words`the default of bucket ${bucket.name} is declared in the file but is not in the plan`,
        },
      ];
    const encryption = defaultEncryption(change.after, change.unknown);
    if (change.action === 'no-op' || encryption === undefined || encryption.bucketKey === bucket.bucketKey) return [];
    return [
      {
        address,
        message: words`bucketKey of ${bucket.name} is ${String(encryption.bucketKey)}, but the file declares ${String(bucket.bucketKey)}`,
      },
    ];
  });
  const addresses = new Set(rotation.buckets.map((bucket) => bucketAddress(BUCKET_DEFAULT, bucket)));
  const unknown = plan.changes
    .filter(
      ({ type, address, after }) =>
        type === BUCKET_DEFAULT && after && !isSupportResource(address) && !addresses.has(address),
    )
    .map(({ address }) => ({ address, message: words`${address} is in the plan but is not a bucket of the file` }));
  return [...declared, ...unknown];
}

export const declaredRules: readonly ReviewRule[] = [differs];
