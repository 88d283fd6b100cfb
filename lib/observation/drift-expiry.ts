import { supersededVersions } from '../rotation/rotation';
import { DAY, type DriftFinding, type DriftInput, nextProposal } from './drift-finding';
import type { ObservedVersion } from './observe';

/** The same bytes again, with the date that the rotation file has. */
const REIMPORT = 'npx keyturn pre-apply --identity <age identity file>';
/** The same bytes again, with a later date. */
const extendCommand = (version: string): string =>
  `npx keyturn extend --version ${version} --valid-days 300 --identity <age identity file>`;

/** Material that KMS will delete, or has deleted: what is under the key cannot be read from then on. */
export function expiryFindings(input: DriftInput): DriftFinding[] {
  return input.seen.versions.flatMap((one) => expiryOf(input, one));
}

function expiryOf(input: DriftInput, { version, key }: ObservedVersion): DriftFinding[] {
  const { rotation, now } = input;
  if (version.disabled || !key) return [];
  const inPlace = rotation.strategy === 'in-place';
  // One key, whose earliest expiry counts for all of its materials: it is said once.
  if (inPlace && version.name !== rotation.activeVersion) return [];
  if (key.state === 'PendingImport') return lapsed(input, version.name);
  // A key that is off is retired: its expiry stops nothing that runs.
  if (key.validTo === undefined || key.state !== 'Enabled') return [];
  const days = Math.floor((key.validTo.getTime() - now.getTime()) / DAY);
  const degree = [...rotation.expiry.warnDays].sort((a, b) => a - b).find((limit) => days < limit);
  if (degree === undefined) return [];
  const superseded = supersededVersions(rotation).some((one) => one.name === version.name);
  const text = `the material of ${version.name} expires at ${key.validTo.toISOString()}, in less than ${degree} days; then nothing under it can be read`;
  const due = rotation.keyVersions.find((one) => one.materialValidTo?.getTime() === key.validTo?.getTime()) ?? version;
  const fix = inPlace ? extendCommand(due.name) : superseded ? 'npx keyturn post-apply' : nextProposal(rotation);
  return [{ code: 'material-expiring', level: 'act', text, fix }];
}

/** Waiting for material is the start of a version, unless the rotation has gone past it already. */
function lapsed({ rotation, left, now }: DriftInput, name: string): DriftFinding[] {
  const past = supersededVersions(rotation).some((one) => one.name === name);
  const served = name === rotation.activeVersion && left?.aliasTarget !== undefined;
  const expired = rotation.keyVersions.find((one) => one.name === name)?.materialValidTo;
  if (!past && !(served && expired !== undefined && expired.getTime() < now.getTime())) return [];
  const text = `${name} has no material any more: it expired or was deleted, and nothing under it can be read`;
  const fix = expired !== undefined && expired.getTime() < now.getTime() ? extendCommand(name) : REIMPORT;
  return [{ code: 'material-expired', level: 'act', text, fix }];
}
