/** A proposal: one reviewable phase of a rotation, as an edit of the rotation file. It applies nothing. */
import { KeyturnError } from '../errors';
import { activeVersion, type KeyVersion, type Rotation, supersededVersions } from '../rotation/rotation';
import { appendVersion, setActiveVersion, setDisabled } from '../rotation/rotation-edit';
import { nextVersionName } from './next-version';

/**
 * `version` declares one, `switch` makes one active, `retire` records that one is disabled, `rollback` returns to
 * one.
 */
export const PROPOSAL_KINDS = ['version', 'switch', 'retire', 'rollback'] as const;
export type ProposalKind = (typeof PROPOSAL_KINDS)[number];

export interface Proposal {
  readonly kind: ProposalKind;
  /** The version of the proposal. */
  readonly version: string;
  /** The active version before the merge. */
  readonly from: string;
  /** Expiry of the material of a declared version; absent: never, or another kind of proposal. */
  readonly materialValidTo: Date | undefined;
  /** One line, for the pull request and the commit. */
  readonly title: string;
  /** A branch name; equal proposals have equal names. */
  readonly branch: string;
  readonly before: string;
  /** Equal to `before` if the file already declares it. */
  readonly after: string;
}

export interface ProposalRequest {
  readonly kind: ProposalKind;
  /** Default: the next name, the version after the active one, the superseded one, the one before the active one. */
  readonly version: string | undefined;
  /** For `version` only; whole seconds. */
  readonly materialValidTo: Date | undefined;
}

/**
 * The edit of a proposal. Pure: the same text and request give the same proposal.
 *
 * @param text - the text that `rotation` was read from.
 * @throws KeyturnError `proposal-refused` if no version fits; `rotation-edit-refused` from the edits
 */
export function propose(rotation: Rotation, text: string, request: ProposalRequest): Proposal {
  const { kind, materialValidTo } = request;
  if (rotation.strategy === 'in-place' && (kind === 'retire' || kind === 'rollback')) throw impossibleInPlace(kind);
  const version = versionOf(rotation, request);
  const after = edited(text, kind, version, materialValidTo);
  const title = titleOf(rotation, kind, version);
  const branch = `keyturn/${rotation.name}-${kind}-${version}`;
  return { kind, version, from: rotation.activeVersion, materialValidTo, title, branch, before: text, after };
}

function versionOf(rotation: Rotation, { kind, version }: ProposalRequest): string {
  switch (kind) {
    case 'version':
      return version ?? nextVersionName(rotation);
    case 'switch':
      return version ?? onlyOne(laterVersions(rotation), kind, NO_LATER, 'later');
    case 'retire':
      return retiring(rotation, version);
    case 'rollback':
      return goingBack(rotation, version);
  }
}

const NO_LATER = {
  problem: 'no usable key version is declared after the active one',
  hint: 'declare one first: `npx keyturn propose version`',
};
const NONE_TO_RETIRE = {
  problem: 'every version before the active one is recorded as retired, or was adopted',
  hint: 'there is nothing to propose; run `npx keyturn status` to see the state of the rotation',
};

function laterVersions(rotation: Rotation): readonly KeyVersion[] {
  const from = rotation.keyVersions.indexOf(activeVersion(rotation)) + 1;
  return rotation.keyVersions.slice(from).filter((one) => !one.disabled);
}

/** Keyturn never changes an adopted key, so there is nothing to record. */
function retirable(rotation: Rotation): readonly KeyVersion[] {
  return supersededVersions(rotation).filter((one) => !one.disabled && one.keyArn === undefined);
}

function retiring(rotation: Rotation, named: string | undefined): string {
  const fits = retirable(rotation);
  if (named === undefined) return onlyOne(fits, 'retire', NONE_TO_RETIRE, 'superseded');
  if (fits.some((one) => one.name === named) || isRetired(rotation, named)) return named;
  throw refused(
    `${JSON.stringify(named)} is not a superseded version that Keyturn may disable`,
    fits.length > 0 ? `name one of ${names(fits)} with --name` : NONE_TO_RETIRE.hint,
  );
}

function goingBack(rotation: Rotation, named: string | undefined): string {
  const earlier = supersededVersions(rotation);
  const version = named ?? earlier.at(-1)?.name;
  if (version !== undefined && earlier.some((one) => one.name === version)) return version;
  throw refused(
    named === undefined
      ? `no version is declared before ${rotation.activeVersion}`
      : `${JSON.stringify(named)} is not declared before ${rotation.activeVersion}`,
    earlier.length > 0 ? `name one of ${names(earlier)} with --name` : 'there is no version to roll back to',
  );
}

function onlyOne(
  fits: readonly KeyVersion[],
  kind: ProposalKind,
  none: { readonly problem: string; readonly hint: string },
  word: string,
): string {
  const [first, ...more] = fits;
  if (!first) throw refused(none.problem, none.hint);
  if (more.length === 0) return first.name;
  throw refused(
    `several ${word} versions fit: ${names(fits)}`,
    `name one: \`npx keyturn propose ${kind} --name ${first.name}\``,
  );
}

const isRetired = (rotation: Rotation, name: string): boolean =>
  rotation.keyVersions.some((one) => one.name === name && one.disabled);

const names = (versions: readonly KeyVersion[]): string => versions.map((one) => one.name).join(', ');

function edited(text: string, kind: ProposalKind, version: string, validTo: Date | undefined): string {
  switch (kind) {
    case 'version':
      return appendVersion(text, { name: version, ...(validTo ? { materialValidTo: validTo } : {}) });
    case 'switch':
      return setActiveVersion(text, version);
    case 'retire':
      return setDisabled(text, version, true);
    case 'rollback':
      return setActiveVersion(setDisabled(text, version, false), version);
  }
}

function titleOf({ name, activeVersion: active }: Rotation, kind: ProposalKind, version: string): string {
  switch (kind) {
    case 'version':
      return `${name}: declare key version ${version}`;
    case 'switch':
      return `${name}: switch from ${active} to ${version}`;
    case 'retire':
      return `${name}: record that ${version} is retired`;
    case 'rollback':
      return `${name}: roll back from ${active} to ${version}`;
  }
}

function impossibleInPlace(kind: 'retire' | 'rollback'): KeyturnError {
  return kind === 'retire'
    ? refused(
        'with strategy: in-place a version never retires: its material still decrypts objects',
        'preserve custody of every version',
      )
    : refused(
        'with strategy: in-place a key cannot return to an earlier material',
        'propose another version instead: `npx keyturn propose version`',
      );
}

const refused = (problem: string, hint: string): KeyturnError =>
  new KeyturnError('proposal-refused', { problem, hint });
