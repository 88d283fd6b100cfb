import { adoptedResources } from '../../rotation/adopted-resources';
import { contradictions } from '../plan-schema/contradictions';
import { formatFaults } from '../plan-schema/plan-format';
import type { Fault } from '../plan-schema/shape';
import { words } from '../review-messages';
import type { ReviewRule, RuleContext, Sighting } from '../review-rule';

const sighting = ({ path, what, address }: Fault): Sighting => ({
  ...(address === undefined ? {} : { address }),
  message: [...words`${path} `, ...what],
});

function sightingsOf(
  { plan }: RuleContext,
  kind: Fault['kind'],
  counts: (fault: Fault) => boolean = () => true,
): readonly Sighting[] {
  // A redacted export has a form of its own, and is never clean.
  if (plan.form === 'redacted') return [];
  return formatFaults(plan.body)
    .filter((one) => one.kind === kind && counts(one))
    .map(sighting);
}

const strange: ReviewRule = {
  id: 'KT055',
  title: 'the plan holds something that this review does not know',
  severity: 'error',
  why: 'A member, an attribute or a value that nobody checks may be what does the harm.',
  next: 'Plan again with a version of Terraform and of the AWS provider that docs/support.md names.',
  waivable: false,
  look: (context) => sightingsOf(context, 'strange'),
};

/** The imports that the rotation file implies: each stack, address and id. */
const isAdopted = ({ plan, rotation, stack }: RuleContext, { path, address }: Fault): boolean => {
  if (stack !== 'keys' && stack !== 'storage') return false;
  if (!/^resource_changes\[\d+\]\.change\.importing$/.test(path)) return false;
  const importing = plan.changes.filter((one) => one.address === address);
  const expected = adoptedResources(rotation)[stack].find((one) => one.address === address);
  return (
    expected !== undefined && importing.every(({ mode, importing: id }) => mode === 'managed' && id === expected.id)
  );
};

const excluded: ReviewRule = {
  id: 'KT056',
  title: 'the plan imports, moves, defers or invokes something',
  severity: 'error',
  why: 'The stacks of a rotation import what the rotation file names as adopted or taken over, and nothing else; they have no move, no module, no variable and no action. What they do not declare, nobody has reviewed.',
  next: 'Remove it from the configuration. Declare what exists under adopted: or takeOver: (docs/adopt.md). Do a move in a change of its own, and waive this finding with that reason.',
  waivable: true,
  look: (context) => sightingsOf(context, 'excluded', (fault) => !isAdopted(context, fault)),
};

const contradicts: ReviewRule = {
  id: 'KT057',
  title: 'the plan contradicts itself',
  severity: 'error',
  why: 'Terraform writes most facts of a plan twice. Where the two differ, somebody edited the plan afterwards.',
  next: 'Make the JSON again from the plan file: terraform show -json.',
  waivable: false,
  look: ({ plan, rotation }) => {
    if (plan.form === 'redacted') return [];
    const twice =
      plan.duplicate === undefined ? [] : [{ message: words`the member ${plan.duplicate} stands in it twice` }];
    try {
      return [...twice, ...contradictions(plan.body, rotation.aws?.defaultTags).map(sighting)];
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return [{ message: words`it nests too deeply to be compared` }];
    }
  },
};

export const formatRules: readonly ReviewRule[] = [strange, excluded, contradicts];
