import { type Rotation, sessionName } from '../lib/rotation/rotation';

/** The profile and the role of the rotation file, as the AWS provider and the S3 backend both take them. */
export function accessOf(rotation: Rotation) {
  const { profile, assumeRole } = rotation.aws ?? {};
  const role = assumeRole && {
    roleArn: assumeRole.roleArn,
    sessionName: sessionName(rotation),
    ...(assumeRole.externalId === undefined ? {} : { externalId: assumeRole.externalId }),
  };
  return { ...(profile === undefined ? {} : { profile }), role };
}
