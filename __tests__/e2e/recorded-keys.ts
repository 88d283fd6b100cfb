import type { BoundVersion, Rotation } from '../../lib/rotation/rotation';

/** Keys of v1 and v2 in recorded plans. */
export const KEY_IDS = {
  v1: '11111111-1111-4111-8111-111111111111',
  v2: '22222222-2222-4222-8222-222222222222',
} as const;

export const keyArn = (version: keyof typeof KEY_IDS): string =>
  `arn:aws:kms:ap-northeast-1:123456789012:key/${KEY_IDS[version]}`;

export const boundVersion = (name: string, arn: string, differences: Partial<BoundVersion> = {}): BoundVersion => ({
  name,
  keyArn: arn,
  keyMaterialId: null,
  materialValidTo: null,
  recipients: [],
  custodyRecordSha256: null,
  ...differences,
});

/** The rotation with each of its versions bound to its key in the recorded plans. */
export function boundAsRecorded(rotation: Rotation): Rotation {
  const binding = rotation.keyVersions.flatMap(({ name, keyArn: adopted }) =>
    adopted === undefined && (name === 'v1' || name === 'v2') ? [boundVersion(name, keyArn(name))] : [],
  );
  return { ...rotation, binding };
}
