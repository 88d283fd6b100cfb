import { BUCKET_DEFAULT, defaultEncryption, type KeyTargetChange, keyTargetChanges } from '../key-target-changes';
import { type Words, words } from '../review-messages';
import type { ReviewRule, RuleContext, Sighting } from '../review-rule';

/** Moves of the main alias and of bucket defaults, which are a switch. A move of a version alias is not. */
export function switches({ plan, rotation }: RuleContext): readonly KeyTargetChange[] {
  return keyTargetChanges(plan, rotation).filter(
    ({ kind, address }) => kind === 'default' || !isVersionAlias(rotation, address),
  );
}

const isVersionAlias = ({ keyVersions }: RuleContext['rotation'], address: string): boolean =>
  keyVersions.some((version) => address === `aws_kms_alias.version_${version.name}`);

const named = (context: RuleContext, reference: string): Words => {
  const version = context.keys.find(reference)?.version;
  return version === undefined ? words`${reference}` : words`${version} (${reference})`;
};

const sighting = ({ address }: KeyTargetChange, message: Words): Sighting => ({ address, message });

const notEnabled: ReviewRule = {
  id: 'KT020',
  title: 'alias or bucket default moves to a key that is not Enabled',
  severity: 'error',
  why: 'After the apply, every write through the alias or into the bucket fails.',
  next: 'Import its material with pre-apply, or enable it, then plan again. The guard of the storage stack also refuses this: find out who removed the guard.',
  waivable: true,
  look: (context) =>
    switches(context).flatMap((move): Sighting[] => {
      const state = move.to === undefined ? undefined : context.keys.find(move.to)?.state;
      if (move.to === undefined || state === undefined || state === 'Enabled') return [];
      return [sighting(move, words`${move.what} moves to ${named(context, move.to)}, which is ${state}`)];
    }),
};

const notSeen: ReviewRule = {
  id: 'KT021',
  title: 'the state of the key that alias or bucket default moves to is unknown',
  severity: 'warning',
  why: 'The plan does not show whether that key is Enabled.',
  next: 'Review with --aws, or pass the keys plan too. Apply the keys stack and run pre-apply before planning the storage stack.',
  waivable: true,
  look: (context) =>
    switches(context).flatMap((move): Sighting[] => {
      if (move.to === undefined) {
        const reasoned = move.kind === 'alias' || isUnknownDefault(context, move);
        return reasoned ? [sighting(move, words`${move.what} moves to a key that is known only after the apply`)] : [];
      }
      const key = context.keys.find(move.to);
      if (key === undefined || key.state !== undefined) return [];
      return [sighting(move, words`${move.what} moves to ${named(context, move.to)}, whose state is not known`)];
    }),
};

/** A default without a key leaves SSE-KMS, which has a rule of its own. */
function isUnknownDefault({ plan }: RuleContext, { address }: KeyTargetChange): boolean {
  const change = plan.changes.find((one) => one.address === address && one.type === BUCKET_DEFAULT);
  return defaultEncryption(change?.after, change?.unknown)?.keyUnknown === true;
}

const undeclared: ReviewRule = {
  id: 'KT022',
  title: 'alias or bucket default moves to a key that the rotation file does not declare',
  severity: 'error',
  why: 'Nobody has reviewed that key, its material has no known custody, and no later step covers it.',
  next: 'Declare it in the rotation file (keyArn adopts an existing key), or plan again from the unchanged file.',
  waivable: true,
  look: (context) =>
    switches(context).flatMap((move): Sighting[] => {
      if (move.to === undefined || context.keys.find(move.to)?.version !== undefined) return [];
      return [sighting(move, words`${move.what} moves to ${move.to}, which is not a declared version`)];
    }),
};

const backwards: ReviewRule = {
  id: 'KT023',
  title: 'alias or bucket default moves backwards',
  severity: 'warning',
  why: 'New objects would be under the version that was about to retire. This is right only in a rollback; otherwise it is a mistake, such as a merge of an old branch.',
  next: 'For a rollback, review with --rollback <version>; otherwise move activeVersion in the rotation file forward.',
  waivable: true,
  look: (context) => switches(context).flatMap((move) => backwardMove(context, move)),
};

function backwardMove(context: RuleContext, move: KeyTargetChange): readonly Sighting[] {
  const { rotation, keys, rollbackTo } = context;
  const indexOf = (reference: string | undefined): number => {
    const version = reference === undefined ? undefined : keys.find(reference)?.version;
    return rotation.keyVersions.findIndex((one) => one.name === version);
  };
  const [from, to] = [indexOf(move.from), indexOf(move.to)];
  const target = rotation.keyVersions[to];
  if (move.from === undefined || move.to === undefined || !target || target.name === rollbackTo) return [];
  if (from > to)
    return [sighting(move, words`${move.what} moves back from ${named(context, move.from)} to ${target.name}`)];
  const isNewest = rotation.keyVersions.slice(to + 1).every((later) => later.disabled);
  if (from >= 0 || isNewest) return [];
  return [
    sighting(
      move,
      words`${move.what} moves to ${target.name} from ${move.from}, which may be a later version: pass the keys plan too, or --aws`,
    ),
  ];
}

export const switchRules: readonly ReviewRule[] = [notEnabled, notSeen, undeclared, backwards];
