/** What somebody types next: one command, whose end brings the rotation on. */

import type { CustodyStanding } from '../observation/custody-standing';
import type { DriftFinding } from '../observation/drift-finding';
import { drillCommand, extendCommand, keeperOf } from '../observation/key-remedy';
import { type Observation, observedActive } from '../observation/observe';
import { activeMaterial, currentVersion, type ObservedMaterials } from '../observation/observed-materials';
import { isSettled, type VersionVerdict } from '../observation/version-verdicts';
import { deployCommand } from '../rotation/declared-stacks';
import type { Rotation } from '../rotation/rotation';
import type { StepId } from './flow-facts';
import type { StepState } from './step';

export interface NextCommand {
  readonly step: StepId | 'restore';
  readonly summary: string;
  readonly command: string;
}

interface Situation {
  readonly rotation: Rotation;
  readonly seen: Observation;
  readonly steps: readonly ({ readonly id: StepId } & StepState)[];
  readonly drift: readonly DriftFinding[];
  readonly verdicts: readonly VersionVerdict[];
  /** Rotated in place: the materials of the one key. */
  readonly materials: ObservedMaterials | undefined;
  /** Whether custody is proven now to hold the material of the active version; undefined: it has none. */
  readonly custody: CustodyStanding | undefined;
  readonly now: Date;
}

/** Commands of the flow refuse a rotation file with a fault, and take new material only where custody has room for it. */
const OF_THE_FLOW = /npx keyturn (?:pre|post)-apply/;

/** An outage comes first: no step of the flow helps while a key is out of use. Undefined when nothing is left to do. */
export function nextOf(situation: Situation): NextCommand | undefined {
  const { rotation, drift, steps } = situation;
  const wanted = wantedNext(situation);
  if (!wanted) return undefined;
  const restore = ({ text, fix }: DriftFinding): NextCommand => ({ step: 'restore', summary: text, command: fix });
  const rebound = drift.find(({ code }) => code === 'binding-contradicted');
  if (rebound && wanted.command.startsWith('npx ')) return restore(rebound);
  if (!OF_THE_FLOW.test(wanted.command)) return wanted;
  // Whatever keeps the flow from running is out of the way before it is asked to run.
  const undeclared = steps.find(({ id, state }) => id === 'declare-keys' && state !== 'done');
  if (undeclared)
    return { step: undeclared.id, summary: undeclared.summary, command: commandFor(undeclared.id, rotation) };
  const inTheWay = drift.find(isInTheWay);
  return inTheWay ? restore(inTheWay) : wanted;
}

const IN_THE_WAY: ReadonlySet<string> = new Set<DriftFinding['code']>([
  'file-date-past',
  'custody-other-key',
  'custody-copy-missing',
  'custody-copy-unknown',
]);

/** Somebody else's material that waits keeps ours out; it goes first. */
const isInTheWay = ({ code, fix }: DriftFinding): boolean =>
  IN_THE_WAY.has(code) ||
  (code === 'custody-of-other-material' && /^(?:mkdir|bring)/.test(fix)) ||
  (code === 'material-foreign' && fix.startsWith('aws kms'));

function wantedNext(situation: Situation): NextCommand | undefined {
  const { rotation, steps, drift } = situation;
  const down = drift.find(({ level }) => level === 'outage');
  if (down) return { step: 'restore', summary: down.text, command: down.fix };
  const [open, ...later] = steps.filter((step) => step.state !== 'done');
  if (!open) return undefined;
  if (open.id === 'retire') return { step: open.id, summary: open.summary, command: retireCommand(situation) };
  if (open.id === 'rotate-material') {
    const usual = open.state === 'blocked' ? rotateCommand(situation) : commandFor(open.id, rotation);
    // Rotated to once, material is in use for good: custody is proven before.
    const custody = open.state === 'ready' ? custodyFix(situation) : undefined;
    return { step: open.id, summary: open.summary, command: custody ?? usual };
  }
  if (open.id !== 'import-material' || open.state !== 'blocked')
    return { step: open.id, summary: open.summary, command: commandFor(open.id, rotation) };
  // A plain import brings back no version that the rotation has gone past, and none whose date is over.
  const lost = drift.find(({ code }) => code === 'material-expired');
  const switching = later.find(({ id }) => id === 'switch');
  // Whether anything is left under it is found out after the switch, which an active version without material keeps from being made.
  if (switching && switching.state !== 'blocked' && lost && OF_THE_FLOW.test(lost.fix))
    return { step: 'switch', summary: switching.summary, command: commandFor('switch', rotation) };
  return { step: open.id, summary: open.summary, command: lost?.fix ?? commandFor(open.id, rotation) };
}

/** KMS holds one waiting material at a time, rotates to that one only, and never back. */
function rotateCommand({ rotation, materials, drift }: Situation): string {
  const usual = commandFor('rotate-material', rotation);
  if (!materials) return usual;
  const spent = drift.find(({ code, fix }) => code === 'rotations-nearly-used' && fix.includes('new-key'));
  const waiting = materials.versions.find(({ material }) => material?.state === 'PENDING_ROTATION')?.version;
  const { material } = activeMaterial(rotation, materials);
  if (waiting && waiting.name !== rotation.activeVersion)
    return activate(waiting.name, 'its material is rotated into use first');
  if (material?.state === 'NON_CURRENT') {
    const current = currentVersion(materials);
    if (current) return activate(current.name, 'the key encrypts with it, and KMS rotates only forward');
    return drift.find(({ code }) => code === 'material-foreign')?.fix ?? usual;
  }
  return spent?.fix ?? usual;
}

const activate = (name: string, why: string): string => `write activeVersion: ${name} into the rotation file; ${why}`;

/** What proves custody of the active version, or goes on without it. */
function custodyFix({ rotation, drift }: Situation): string | undefined {
  const codes: readonly DriftFinding['code'][] = ['custody-of-other-material', 'custody-record-absent', 'custody-lost'];
  return drift.find(({ code, version }) => codes.includes(code) && version === rotation.activeVersion)?.fix;
}

function retireCommand(situation: Situation): string {
  const { rotation, seen, verdicts, now } = situation;
  const kept = verdicts
    .filter((one) => !isSettled(one))
    .flatMap(({ kind, keep = [] }) => (kind === 'empty' ? keep : []));
  // A verdict is of its time: what was proven, or moved to a later date, since then is judged by the next gate.
  const isUnproven = kept.some(({ code }) => code === 'custody-not-proven') && situation.custody?.proven === false;
  // Without its copy no date of the active version can be moved.
  const custody = isUnproven ? custodyFix(situation) : undefined;
  if (custody !== undefined) return custody;
  const byExpiry = kept.some(({ code }) => code === 'active-key-expires');
  const { key } = observedActive(rotation, seen.versions);
  const isNear =
    key?.validTo !== undefined && key.validTo.getTime() - now.getTime() < Math.max(...rotation.expiry.warnDays) * DAY;
  if (byExpiry && isNear) return extendCommand(rotation.activeVersion, keeperOf(rotation));
  if (isUnproven) return drillCommand(rotation.activeVersion, keeperOf(rotation));
  if (kept.some(({ code }) => PASSES.has(code))) return commandFor('retire', rotation);
  return kept.length > 0 ? KEPT : commandFor('retire', rotation);
}

const DAY = 86_400_000;

/** Reasons that may be over by the next run. */
const PASSES: ReadonlySet<string> = new Set(['active-key-expires', 'custody-not-proven', 'key-not-enabled']);

/** Running the command again changes none of these: somebody must look at who else needs the key. */
const KEPT = 'see to each user of the key, or waive it under retire.waivers; then run `npx keyturn post-apply`';

function commandFor(step: StepId, rotation: Rotation): string {
  if (step === 'declare-keys') return deployCommand(rotation, 'keys');
  if (step === 'import-material') return 'npx keyturn pre-apply';
  if (step === 'switch') return deployCommand(rotation, 'storage');
  return 'npx keyturn post-apply';
}
