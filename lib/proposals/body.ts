/** The body of the pull request: what changes, why it is safe, what is still to come, and what it will cost. */
import type { Rotation } from '../rotation/rotation';
import { stackNames } from '../rotation/rotation';
import { unifiedDiff } from './diff';
import type { Forecast } from './forecast';
import { forecastText } from './forecast';
import { mdBlock, mdCode, mdText } from './markdown';
import type { Proposal } from './proposal';

/** What AWS was seen to hold when the proposal was made. */
export interface ProposalSight {
  /** The proposed version's key; absent: there is none yet. */
  readonly key: { readonly arn: string; readonly state: string } | undefined;
  readonly account: string;
}

export interface BodyInput {
  readonly rotation: Rotation;
  readonly proposal: Proposal;
  /** Path of the rotation file in the repository, with `/`. */
  readonly shownFile: string;
  /** Absent: AWS was not looked at. */
  readonly sight: ProposalSight | undefined;
  readonly forecast: Forecast;
}

/** GitHub takes 65,536 characters, GitLab and Bitbucket more. Only a diff without end can come near. */
const MOST_CHARACTERS = 60_000;

/** Markdown, at most 60,000 characters. */
export function proposalBody(input: BodyInput): string {
  const { proposal, shownFile } = input;
  const diff = unifiedDiff(proposal.before, proposal.after, shownFile);
  const whole = sections(input, mdBlock('diff', diff));
  if (whole.length <= MOST_CHARACTERS) return whole;
  return sections(input, 'The diff is too long to be shown here; see the changed file.');
}

function sections(input: BodyInput, diff: string): string {
  const { proposal, rotation, forecast } = input;
  return [
    `## ${mdText(proposal.title)}`,
    '',
    ...changes(input),
    '',
    diff,
    '',
    '### Why this is safe',
    '',
    ...list(whySafe(input)),
    '',
    '### Still to come',
    '',
    ...list(stillToCome(rotation, proposal), '1.'),
    '',
    '### Forecast',
    '',
    ...forecastText(forecast),
    '',
    ...(proposal.kind === 'rollback' ? [rollbackTrailer(proposal), ''] : []),
  ].join('\n');
}

/**
 * Going back has to be called so, or the plan review refuses it. As the last line of a commit message git reads this as a
 * trailer, and the pipelines under `examples/` announce the rollback by it.
 */
export const rollbackTrailer = ({ version }: Pick<Proposal, 'version'>): string => `Keyturn-Rollback: ${version}`;

const list = (items: readonly string[], mark = '-'): string[] => items.map((item) => `${mark} ${item}`);

function changes({ rotation, proposal, sight }: BodyInput): string[] {
  const { keys, storage } = stackNames(rotation);
  const { kind, version, from, materialValidTo } = proposal;
  const where = `Rotation ${mdCode(rotation.name)}, alias ${mdCode(rotation.alias)}, Region ${mdCode(rotation.region)}${
    sight ? `, account ${mdCode(sight.account)}` : rotation.account ? `, account ${mdCode(rotation.account)}` : ''
  }.`;
  const buckets = rotation.buckets.map((one) => mdCode(one.name)).join(', ');
  const said = {
    version: `Declares key version ${mdCode(version)}: the stack ${mdCode(keys)} creates one empty external-origin key and its alias ${mdCode(`${rotation.alias}/${version}`)}. ${
      materialValidTo
        ? `Its material expires at ${mdCode(materialValidTo.toISOString().replace('.000Z', 'Z'))} and must be replaced before.`
        : 'Its material does not expire.'
    }`,
    switch: `Makes ${mdCode(version)} the active version instead of ${mdCode(from)}: the stack ${mdCode(storage)} moves the alias and the default encryption of ${buckets}. Existing objects are then re-encrypted by post-apply.`,
    retire: `Records in the file that ${mdCode(version)} is off, so that the stack ${mdCode(keys)} declares it disabled too.`,
    rollback: `Goes back from ${mdCode(from)} to ${mdCode(version)}: its key is declared enabled, and the alias and the default encryption of ${buckets} move back to it.`,
  }[kind];
  const seen = sight ? [`Key of ${mdCode(version)} in AWS when this was proposed: ${keySeen(sight)}.`] : [];
  return [said, '', where, ...seen];
}

const keySeen = ({ key }: ProposalSight): string => (key ? `${mdCode(key.arn)}, ${mdCode(key.state)}` : 'none yet');

function whySafe({ rotation, proposal: { kind, version, from }, sight }: BodyInput): string[] {
  const said: Record<Proposal['kind'], string[]> = {
    version: [
      'Nothing points at the new key: the alias, the bucket defaults and every object stay as they are.',
      'No key material is in this change, nor in any plan or state; synthesis fails if it were.',
      `The plan to expect creates two resources, changes none and destroys none.`,
    ],
    switch: [
      `The plan itself refuses to point anything at a key that is not ${mdCode('Enabled')} with origin ${mdCode('EXTERNAL')}.`,
      `${mdCode(from)} stays enabled: every existing object can be read all along.`,
      `${mdCode(from)} is disabled only behind the retire gate, which looks at every object version afresh and stays closed while one is left under it or unknown. It is never deleted.`,
      `The way back is one more pull request: ${mdCode('npx keyturn propose rollback')}.`,
    ],
    retire: [
      sight?.key?.state === 'Disabled'
        ? `AWS holds ${mdCode(version)} as ${mdCode('Disabled')} already: the file says what is so.`
        : `Evidence shows that the retire gate opened for ${mdCode(version)} and that its key was disabled.`,
      'A disabled key is kept, never deleted; enabling it again makes everything under it readable at once.',
    ],
    rollback: [
      `The plan itself refuses to point anything at ${mdCode(version)} before its key is ${mdCode('Enabled')}.`,
      `${mdCode(from)} stays enabled: objects that were moved to it stay readable.`,
    ],
  };
  const waiting =
    kind === 'switch' && sight && sight.key?.state !== 'Enabled'
      ? [
          `**Not yet to be merged**: the key of ${mdCode(version)} is ${mdCode(sight.key?.state ?? 'not there yet')}. Until pre-apply has imported its material, the plan is refused.`,
        ]
      : [];
  const { alsoVerify } = rotation.retire;
  const others =
    kind === 'switch' && alsoVerify.length > 0
      ? [`The gate also looks into ${alsoVerify.map(mdCode).join(', ')}, which this rotation does not manage.`]
      : [];
  return [...waiting, ...said[kind], ...others];
}

function stillToCome(rotation: Rotation, { kind, version, from }: Proposal): string[] {
  const { keys, storage } = stackNames(rotation);
  const preApply = `${mdCode('npx keyturn pre-apply')}: material is generated, put in custody, wrapped and imported; ${mdCode(version)} becomes ${mdCode('Enabled')}.`;
  const postApply = (old: string) =>
    `${mdCode('npx keyturn post-apply')}: objects are re-encrypted (${mdCode(rotation.reencrypt.method)}) and verified, then ${mdCode(old)} is disabled behind the gate.`;
  const record = (old: string) =>
    `${mdCode(`npx keyturn propose retire --name ${old}`)}: a pull request that records it.`;
  const steps: Record<Proposal['kind'], string[]> = {
    version: [
      `On merge: the reviewed plan of ${mdCode(keys)} is applied.`,
      preApply,
      `${mdCode(`npx keyturn propose switch --name ${version}`)}: the next pull request.`,
    ],
    switch: [`On merge: the reviewed plan of ${mdCode(storage)} is applied.`, postApply(from), record(from)],
    retire: [`On merge: the plan of ${mdCode(keys)} is applied; it should have nothing to change.`],
    rollback: [
      `On merge: the reviewed plan of ${mdCode(keys)} is applied, then the one of ${mdCode(storage)}.`,
      `${mdCode('npx keyturn post-apply')}: the objects are moved back under ${mdCode(version)}. ${mdCode(from)} is then no superseded version: it stays enabled.`,
    ],
  };
  return steps[kind];
}
