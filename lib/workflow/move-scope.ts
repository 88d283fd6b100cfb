import { isCode, KeyturnError } from '../errors';
import { awsManagedS3Key } from '../kms/aws-managed-s3-key';
import { type ObservedVersion, type Observing, observeVersions } from '../observation/observe';
import { activeVersion, type Rotation, supersededVersions } from '../rotation/rotation';
import type { MoveScope, NamedSources } from '../s3/version-scope';

/** What the rotation file and AWS say is to be moved to `activeKeyArn`. Reads only. */
export async function moveScope(run: Observing, activeKeyArn: string): Promise<MoveScope> {
  const { rotation } = run;
  const versions = await observeVersions(run);
  return { activeKeyArn, ...versionKeys(rotation, versions), from: await namedSources(run) };
}

function versionKeys(
  rotation: Rotation,
  versions: readonly ObservedVersion[],
): Pick<MoveScope, 'versionKeyArns' | 'unresolvedVersions'> {
  const superseded = new Set(supersededVersions(rotation).map(({ name }) => name));
  const active = activeVersion(rotation);
  const others = versions.filter(({ version }) => version.name !== active.name);
  const arnOf = ({ version, key }: ObservedVersion) => version.keyArn ?? key?.arn;
  // A version that was retired may have had its key deleted since; a later one need not have a key yet.
  const isMissing = (one: ObservedVersion) =>
    arnOf(one) === undefined && superseded.has(one.version.name) && !one.version.disabled;
  return {
    versionKeyArns: others.flatMap((one) => arnOf(one) ?? []),
    unresolvedVersions: others.filter(isMissing).map(({ version }) => version.name),
  };
}

async function namedSources({ rotation, clients }: Observing): Promise<NamedSources> {
  const { from } = rotation.reencrypt;
  const named = { any: from.includes('any'), sseS3: from.includes('sse-s3') };
  const keyArns = from.filter((source) => source.startsWith('arn:'));
  if (!from.includes('aws/s3')) return { ...named, keyArns, unresolved: undefined };
  try {
    const managed = await awsManagedS3Key(clients.kms);
    return { ...named, keyArns: [...keyArns, ...(managed === undefined ? [] : [managed])], unresolved: undefined };
  } catch (error) {
    if (!(error instanceof KeyturnError) || isCode(error, 'interrupted')) throw error;
    return { ...named, keyArns, unresolved: error.message };
  }
}
