import { BUCKET_DEFAULT, defaultEncryption, type KeyTargetChange, keyTargetChanges } from '../key-target-changes';
import { type Words, words } from '../review-messages';
import type { ReviewRule, RuleContext, Sighting } from '../review-rule';

/** Moves of the main alias and of bucket defaults: what a switch is. Version aliases are no switch. */
function switches({ plan, rotation }: RuleContext): readonly KeyTargetChange[] {
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

const sighting = ({ address }: KeyTargetChange, says: Words): Sighting => ({ address, says });

const notEnabled: ReviewRule = {
  id: 'KT020',
  title: 'alias or bucket default moves to a key that is not Enabled',
  severity: 'error',
  why: 'From the apply on, every write through the alias or into the bucket fails.',
  next: 'Import its material with pre-apply, or enable it, then plan again. The guard of the storage stack refuses this too: find out who took it out.',
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
  title: 'the state of the key that alias or bucket default moves to cannot be seen',
  severity: 'warning',
  why: 'The plan does not tell whether that key is Enabled, so nobody has reviewed it.',
  next: 'Review with --aws, or give the keys plan too; apply the keys stack and pre-apply before the storage stack is planned.',
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

/** A default without a key is no move but a departure from SSE-KMS, which has a rule of its own. */
function isUnknownDefault({ plan }: RuleContext, { address }: KeyTargetChange): boolean {
  const change = plan.changes.find((one) => one.address === address && one.type === BUCKET_DEFAULT);
  return defaultEncryption(change?.after, change?.unknown)?.keyUnknown === true;
}

const undeclared: ReviewRule = {
  id: 'KT022',
  title: 'alias or bucket default moves to a key that the rotation file does not declare',
  severity: 'error',
  why: 'Nobody has reviewed that key, no custody is known of its material, and no later step looks after it.',
  next: 'Declare it in the rotation file (keyArn adopts a key that exists), or plan again from the file as it is.',
  waivable: true,
  look: (context) =>
    switches(context).flatMap((move): Sighting[] => {
      if (move.to === undefined || context.keys.find(move.to)?.version !== undefined) return [];
      return [sighting(move, words`${move.what} moves to ${move.to}, which is no declared version`)];
    }),
};

const backwards: ReviewRule = {
  id: 'KT023',
  title: 'alias or bucket default moves backwards',
  severity: 'warning',
  why: 'Going back puts new objects under the version that was about to retire. It is right in a rollback and wrong everywhere else, such as after a merge of an old branch.',
  next: 'If it is meant, review with --rollback <version>; if not, move activeVersion in the rotation file forward.',
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
    return [sighting(move, words`${move.what} goes back from ${named(context, move.from)} to ${target.name}`)];
  const isNewest = rotation.keyVersions.slice(to + 1).every((later) => later.disabled);
  if (from >= 0 || isNewest) return [];
  return [
    sighting(
      move,
      words`${move.what} moves to ${target.name} from ${move.from}, which may be a later version: give the keys plan too, or --aws`,
    ),
  ];
}

export const switchRules: readonly ReviewRule[] = [notEnabled, notSeen, undeclared, backwards];
