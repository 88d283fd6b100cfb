import { awsNow } from '../../aws/aws-clock';
import { extendCommand, keeperOf } from '../../observation/key-remedy';
import { type ObservedVersion, type Observing, waitingForMaterial } from '../../observation/observe';
import { isSettled, versionVerdicts } from '../../observation/version-verdicts';
import { supersededVersions } from '../../rotation/rotation';

/** A version whose key had material and has none, and that a plain import does not bring back. */
export interface LostMaterial {
  readonly name: string;
  /** The command that brings it back. */
  readonly fix: string;
}

/**
 * Versions that a plain import fills: those that wait, apart from versions that the rotation has gone past. Such a version may be
 * retired, with its material deleted on purpose: only a command that names it brings it back.
 */
export function waitingVersions(
  { rotation, clients }: Pick<Observing, 'rotation' | 'clients'>,
  versions: readonly ObservedVersion[],
) {
  const past = new Set(supersededVersions(rotation).map(({ name }) => name));
  return waitingForMaterial(versions, awsNow(clients.kms)).filter(({ version }) => !past.has(version.name));
}

/** Versions without material that objects may need: the active one with a date in the past, and earlier ones that are not proven empty. */
export async function lostVersions(
  run: Observing,
  versions: readonly ObservedVersion[],
): Promise<readonly LostMaterial[]> {
  const waiting = new Set(waitingVersions(run, versions).map(({ version }) => version.name));
  const verdicts = await versionVerdicts(run);
  return versions.flatMap(({ version, key }): LostMaterial[] => {
    const { name, keyArn } = version;
    if (key?.state !== 'PendingImport' || keyArn !== undefined || waiting.has(name)) return [];
    const verdict = verdicts.find((one) => one.version.name === name);
    if (verdict && isSettled(verdict)) return [];
    // A version that was never imported holds nothing.
    const had = key.currentKeyMaterialId !== undefined || verdict === undefined || verdict.kind === 'left';
    return had ? [{ name, fix: extendCommand(name, keeperOf(run.rotation)) }] : [];
  });
}

/** One line about versions that lost their material. */
export function lostText(lost: readonly LostMaterial[]): string {
  return `${lost.map(({ name }) => name).join(', ')} has no material any more, and this command does not bring it back`;
}
