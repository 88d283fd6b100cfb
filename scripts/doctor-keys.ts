import { awsNow } from '../lib/aws/aws-clock';
import { KeyturnError } from '../lib/errors';
import { exposureOf, exposureText } from '../lib/key-material/custody/exposure';
import { expiryOf } from '../lib/kms/expiry';
import type { DriftFinding } from '../lib/observation/drift-finding';
import { extendCommand, keeperOf } from '../lib/observation/key-remedy';
import type { Observation, Observing } from '../lib/observation/observe';
import type { CustodyObserving } from '../lib/observation/observed-custody';
import { observeDrift } from '../lib/observation/observed-drift';
import { type ObservedMaterials, observeMaterials } from '../lib/observation/observed-materials';
import { versionVerdicts } from '../lib/observation/version-verdicts';
import { custodyDirectory, type Rotation } from '../lib/rotation/rotation';
import { openCustodian } from '../lib/workflow/material/open-custodian';
import type { CommandContext } from './cli/command';
import { attempt, type Finding } from './doctor-finding';

/** Every key that objects need is in use: an outage is a fault here as it is in `status`. */
export async function examineKeys(
  looking: Observing & CustodyObserving,
  seen: Observation,
  findings: Finding[],
): Promise<void> {
  const { rotation } = looking;
  const now = awsNow(looking.clients.kms);
  const read = async () => {
    const materials = rotation.strategy === 'in-place' ? await observeMaterials(looking) : undefined;
    const drift = await observeDrift(looking, seen, now, { verdicts: await versionVerdicts(looking), materials });
    return { materials, faults: drift.filter(isFault) };
  };
  const found = await attempt(
    'keys',
    read,
    ({ faults }) => (faults.length === 0 ? 'no key is lost or off' : ''),
    findings,
  );
  if (found && found.faults.length > 0) {
    findings.pop();
    for (const { text, fix } of found.faults) findings.push({ check: 'keys', sound: false, found: text, hint: fix });
  }
  findings.push(
    ...(found?.materials ? materialExpiry(rotation, found.materials, now) : expiryFindings(rotation, seen, now)),
  );
}

/** Findings that are faults while they call for somebody, and none as notes. */
const CALLING_FAULTS: ReadonlySet<string> = new Set([
  'custody-record-absent',
  'custody-lost',
  'custody-folder-gone',
  'custody-not-asked',
  'custody-other-key',
  'custody-of-other-material',
  'custody-copy-missing',
  'custody-copy-differs',
  'custody-copy-unknown',
  'custody-recipients-differ',
  'drill-due',
  'key-in-other-regions',
]);

const isFault = ({ level, code }: DriftFinding): boolean =>
  level === 'outage' || KEY_FAULTS.has(code) || (level === 'act' && CALLING_FAULTS.has(code));

/** Findings about keys that call for somebody although nothing is down yet. */
const KEY_FAULTS: ReadonlySet<string> = new Set([
  'key-pending-deletion',
  'material-expired',
  'material-foreign',
  'earlier-key-not-verified',
  'binding-contradicted',
  'binding-incomplete',
]);

function materialExpiry(rotation: Rotation, { versions }: ObservedMaterials, now: Date): Finding[] {
  return versions.flatMap(({ version, material }) =>
    material?.imported && material.validTo
      ? expiryFinding(
          rotation,
          version.name,
          { validTo: material.validTo, expirationModel: 'KEY_MATERIAL_EXPIRES' },
          now,
        )
      : [],
  );
}

/** A near expiry is a note; expired material is a fault. */
function expiryFindings(rotation: Rotation, seen: Observation, now: Date): Finding[] {
  return seen.versions.flatMap(({ version, key }) => (key ? expiryFinding(rotation, version.name, key, now) : []));
}

function expiryFinding(rotation: Rotation, name: string, key: Parameters<typeof expiryOf>[0], now: Date): Finding[] {
  const expiry = expiryOf(key, now, rotation.expiry.warnDays);
  if (expiry?.warning === undefined) return [];
  const when = expiry.expired ? 'has expired' : `expires in ${expiry.daysLeft} days`;
  const found = `the material of ${name} ${when} (${expiry.validTo.toISOString()})`;
  const hint = `extend it: \`${extendCommand(name, keeperOf(rotation))}\``;
  return [{ check: 'expiry', sound: !expiry.expired, found, hint }];
}

/** What others can write is a fault; what they can only read is encrypted, and a warning. */
export async function exposureFindings({ custody }: Rotation): Promise<readonly Finding[]> {
  const directory = custodyDirectory(custody);
  const found = directory === undefined ? undefined : await exposureOf(directory, true);
  if (!found) return [];
  const { others, fix } = found;
  return [{ check: 'custody folder', sound: others === 'read', found: exposureText(found), hint: fix }];
}

/** Asks a custodian command whether it holds a copy, and a module whether it can wrap; neither changes anything. */
export async function custodyFinding(
  rotation: Rotation,
  env: CommandContext['env'],
  signal: AbortSignal,
): Promise<Finding> {
  const { age, command, pkcs11 } = rotation.custody;
  const check = 'custody';
  const hint = 'create a recipient with `npx keyturn keygen` and add it to custody.age.recipients';
  if (!command && !pkcs11) {
    const count = age?.recipients.length ?? 0;
    return {
      check,
      sound: count > 0,
      found: count > 0 ? `${count} age recipient(s)` : 'no recipient is declared',
      hint,
    };
  }
  try {
    const custodian = await openCustodian(rotation, { noCustody: false, env, signal })();
    if (custodian.kind === 'pkcs11') {
      return {
        check,
        sound: true,
        found: `token ${pkcs11?.token} wraps with ${await custodian.wrapping()}`,
        hint: undefined,
      };
    }
    await custodian.copyBinding(rotation.activeVersion);
    return { check, sound: true, found: `${command?.run[0]} answers`, hint: undefined };
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.code === 'interrupted') throw error;
    return { check, sound: false, found: `${error.code}: ${error.message}`, hint: error.hint };
  }
}
