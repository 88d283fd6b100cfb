import path from 'node:path';
import { BUCKET_DEFAULT, bucketOf, type KeyTargetChange, keyTargetChanges } from '../key-target-changes';
import type { PlannedAction, PlannedChange, PlannedOutput } from '../plan-document';
import { text } from '../plan-values';
import { type Words, words } from '../review-messages';
import type { RuleContext } from '../review-rule';
import { type AttributeChange, attributeChanges } from './attribute-changes';
import { driftValues } from './drift-values';
import { POLICY_ATTRIBUTES, policyStatements } from './policy-statements';
import { subjectOf } from './subject';

const VERBS: Readonly<Record<PlannedAction, string>> = {
  create: ' is created',
  update: ' changes',
  replace: ' is destroyed and created again',
  delete: ' is destroyed',
  forget: ' is no longer managed',
  read: ' is read',
  'no-op': ' stays as it is',
};

/**
 * What a plan does, one sentence for each resource, output and change outside Terraform, in the words of the rotation
 * and with values before and after. Empty: it does nothing.
 */
export function planEffects(context: RuleContext): readonly Words[] {
  const { plan, rotation } = context;
  const moves = new Map(keyTargetChanges(plan, rotation).map((move) => [move.address, move]));
  const changes = plan.changes.filter(
    ({ mode, action, importing, previousAddress }) =>
      mode === 'managed' && (action !== 'no-op' || importing !== undefined || previousAddress !== undefined),
  );
  return [
    ...changes.map((change) => changeEffect(context, change, moves.get(change.address))),
    ...plan.outputs.filter(({ action }) => action !== 'no-op').map(outputEffect),
    ...plan.drift.flatMap((change) => driftEffect(context, change)),
  ];
}

function changeEffect(context: RuleContext, change: PlannedChange, move: KeyTargetChange | undefined): Words {
  const { action, importing, previousAddress } = change;
  const moved = move !== undefined && action !== 'replace';
  const head = moved ? moveWords(context, change, move) : headWords(context, change);
  const origin = [
    ...(importing === undefined ? [] : words`, imported from ${importing}`),
    ...(previousAddress === undefined ? [] : words`, moved from ${previousAddress}`),
  ];
  return [...head, ...origin, ...details(change, moved)];
}

function headWords({ rotation, keys, green }: RuleContext, change: PlannedChange): Words {
  const { type, action, before, after } = change;
  const subject = subjectOf(change, rotation);
  if (type !== 'aws_kms_external_key') return [...subject, VERBS[action]];
  if (action === 'create') return [...subject, ' is created empty (PendingImport); pre-apply imports its material'];
  const arn = text(before?.arn);
  const key = arn === undefined ? subject : [...subject, ...words` (${arn})`];
  if (action === 'update' && before?.enabled === true && after?.enabled === false)
    return [...key, ' is disabled', ...emptyBy(green, arn)];
  if (action === 'update' && before?.enabled === false && after?.enabled === true)
    return [...key, ...words` is enabled again (it is ${keys.find(arn ?? '')?.state ?? 'disabled'} now)`];
  return [...key, VERBS[action]];
}

const TRUSTED = {
  signed: 'a run that is signed by a key that you gave',
  base: 'a run in the evidence of the base',
  here: 'a run in evidence that is not committed and whose signature was not checked',
  commit: undefined,
} as const;

/** What the reviewer relies on when a key is disabled. */
function emptyBy(green: RuleContext['green'], arn: string | undefined): Words {
  const found = green?.find(({ keyArn }) => keyArn === arn);
  const trusted = found && TRUSTED[found.origin];
  if (found === undefined || trusted === undefined) return [];
  return words`; ${path.basename(found.file)} shows that it was verified empty, ${[trusted]}`;
}

function moveWords(context: RuleContext, change: PlannedChange, { what, from, to }: KeyTargetChange): Words {
  const target = to === undefined ? words`a key that is known after the apply` : keyWords(context, to);
  if (from !== undefined) return words`${what} moves from ${keyWords(context, from)} to ${target}`;
  return [...words`${what} is set to ${target}`, ...replacedDefault(context, change)];
}

/** An adoption replaces a default that is in no state; only AWS shows it. */
function replacedDefault({ rotation, defaults }: RuleContext, change: PlannedChange): Words {
  if (change.type !== BUCKET_DEFAULT || change.action !== 'create') return [];
  const name = bucketOf(change, rotation);
  if (rotation.buckets.find((one) => one.name === name)?.manage !== 'encryption') return [];
  if (defaults === undefined) return ['; the plan does not show the default that it replaces'];
  return words`; it replaces ${defaults.get(name) ?? 'none'}`;
}

function keyWords({ keys }: RuleContext, reference: string): Words {
  const key = keys.find(reference);
  if (key?.version === undefined) return words`${reference}`;
  return key.state === undefined
    ? words`${key.version} (${key.arn})`
    : words`${key.version} (${key.state}, ${key.arn})`;
}

/** What a sentence about a move has said already. */
const TARGETS: ReadonlySet<string> = new Set([
  'target_key_id',
  'target_key_arn',
  'name',
  'bucket',
  'rule.apply_server_side_encryption_by_default.kms_master_key_id',
]);
/** Names of values that read better in a few words. */
const LABELS: ReadonlyMap<string, string> = new Map([
  ['rule.apply_server_side_encryption_by_default.sse_algorithm', 'algorithm'],
  ['rule.apply_server_side_encryption_by_default.kms_master_key_id', 'key'],
  ['rule.bucket_key_enabled', 'bucket key'],
  ['rule.default_retention.days', 'days'],
  ['rule.default_retention.mode', 'mode'],
  ['rule.object_ownership', 'object ownership'],
  ['versioning_configuration.status', 'status'],
]);
/** What the subject of a sentence has said already. */
const NAMES: ReadonlySet<string> = new Set(['alarm_name', 'bucket']);
const ends: readonly PlannedAction[] = ['delete', 'forget'];

function details(change: PlannedChange, moved: boolean): Words {
  const { action, before, after, unknown } = change;
  const found = attributeChanges(before, after, unknown)
    .filter((one) => !(moved && TARGETS.has(one.name)))
    .filter((one) => !(action === 'create' && (one.unknown || NAMES.has(one.name))))
    .flatMap((one) => attributeWords(one, action));
  return found.flatMap((one, index) => [index === 0 ? ': ' : '; ', ...one]);
}

function attributeWords({ name, before, after, unknown }: AttributeChange, action: PlannedAction): readonly Words[] {
  const label = labelOf(name);
  if (POLICY_ATTRIBUTES.has(name) && !unknown) {
    const [was, becomes] = [policyStatements(before), policyStatements(after)];
    if (was !== undefined || becomes !== undefined) return policyChange(label, was ?? [], becomes ?? [], action);
  }
  const becomes = unknown ? '(known after the apply)' : shown(after);
  if (action === 'create') return [[...words`${label} ${becomes}`]];
  if (ends.includes(action)) return [[...words`${label} was ${shown(before)}`]];
  return [words`${label} ${shown(before)} → ${becomes}`];
}

/** A name that cannot steer an output format is plain text. */
function labelOf(name: string): Words {
  const known = LABELS.get(name);
  if (known !== undefined) return [known];
  return /^[a-z0-9_.]+$/.test(name) ? [name.replaceAll('_', ' ')] : words`${name}`;
}

function policyChange(
  label: Words,
  was: readonly string[],
  becomes: readonly string[],
  action: PlannedAction,
): readonly Words[] {
  if (ends.includes(action)) return was.map((one) => words`${label} that ${one}`);
  return [
    ...was.filter((one) => !becomes.includes(one)).map((one) => words`${label} no longer ${one}`),
    ...becomes.filter((one) => !was.includes(one)).map((one) => words`${label} ${one}`),
  ];
}

/** A value of a plan as text, `(unset)` for none. */
export function shown(value: unknown): string {
  if (value === null || value === undefined || value === '') return '(unset)';
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value);
  } catch {
    return '(nested too deeply to show)';
  }
}

function outputEffect({ name, action, before, after, unknown }: PlannedOutput): Words {
  const becomes = unknown ? '(known after the apply)' : shown(after);
  if (action === 'create') return words`output ${name} becomes ${becomes}`;
  return words`output ${name} ${shown(before)} → ${action === 'delete' ? '(removed)' : becomes}`;
}

function driftEffect({ rotation }: RuleContext, change: PlannedChange): readonly Words[] {
  const subject = subjectOf(change, rotation);
  if (change.action === 'delete') return [words`outside Terraform: ${subject} was deleted`];
  const found = driftValues(change).flatMap((one) => attributeWords(one, 'update'));
  if (found.length === 0) return [];
  return [
    [
      ...words`outside Terraform: ${subject} was changed`,
      ...found.flatMap((one, at) => [at === 0 ? ': ' : '; ', ...one]),
    ],
  ];
}
