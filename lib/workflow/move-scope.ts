import { isCode, KeyturnError } from '../errors';
import { awsManagedS3Key } from '../kms/aws-managed-s3-key';
import { type ObservedVersion, type Observing, observeVersions } from '../observation/observe';
import type { MoveScope, MoveSources, NamedSources } from '../s3/version-scope';

/** What is moved, and to which key. */
export interface BucketTarget {
  readonly targetKeyArn: string;
  readonly sources: MoveSources;
  /** Milliseconds by S3's clock: this run had seen alias and defaults at the active version by then. */
  readonly switchSeenAt: number;
}

/** What the rotation file and AWS say is to be moved to `activeKeyArn`. Reads only. */
export async function moveScope(run: Observing, activeKeyArn: string): Promise<MoveScope> {
  return { activeKeyArn, ...(await moveSources(run)) };
}

/**
 * What is moved once `target` is the active version: what is under every other declared version, and what `reencrypt.from` names.
 * Reads only.
 *
 * @param target - name of a version; the rotation file need not declare it yet. Default: the active one
 */
export async function moveSources(run: Observing, target = run.rotation.activeVersion): Promise<MoveSources> {
  const versions = await observeVersions(run);
  return { ...versionKeys(versions, target), from: await namedSources(run) };
}

function versionKeys(
  versions: readonly ObservedVersion[],
  target: string,
): Pick<MoveSources, 'versionKeyArns' | 'unresolvedVersions'> {
  const at = versions.findIndex(({ version }) => version.name === target);
  const superseded = new Set((at < 0 ? versions : versions.slice(0, at)).map(({ version }) => version.name));
  const others = versions.filter(({ version }) => version.name !== target);
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
