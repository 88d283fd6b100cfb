import type { Rotation } from '../lib/rotation/rotation';

/** The role of those who read the objects, as IAM takes it. */
export interface ReadersRole {
  readonly name: string;
  readonly path: string;
  readonly trust: readonly object[];
  readonly may: readonly object[];
}

/**
 * The readers' role of the rehearsed world: a role among `keyPolicy.users`, which alone may use the keys then, or one of its own. Undefined:
 * the users of the keys are no role of this account, so that nobody is there to rehearse as.
 *
 * @param account - 12 digits
 */
export function readersRole({ name, region, keyPolicy }: Rotation, account: string): ReadersRole | undefined {
  const ours = new RegExp(`^arn:aws[a-z-]*:iam::${account}:role(/(?:.*/)?)([^/]+)$`);
  const user = keyPolicy.users.map((arn) => ours.exec(arn)).find((found) => found !== null);
  if (keyPolicy.users.length > 0 && !user) return undefined;
  const [, path = '/', role = `${name}-readers`] = user ?? [];
  const throughS3 = { StringEquals: { 'kms:ViaService': `s3.${region}.amazonaws.com` } };
  return {
    name: role,
    path,
    trust: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' }],
    may: [
      { Effect: 'Allow', Action: ['s3:GetObject', 's3:GetObjectVersion'], Resource: '*' },
      { Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*', Condition: throughS3 },
    ],
  };
}
