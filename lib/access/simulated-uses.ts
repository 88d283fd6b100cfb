import type { Answered } from '../aws/answered';
import type { KeyUse } from '../cloudtrail/key-uses';
import type { Simulated, SimulatedRequest } from '../iam/simulation';
import type { KeyMarks } from '../kms/key-marks';
import type { Looked } from './looked';
import { type IdentitySays, identityRequest, type UsedAccess, type UseFacts } from './used-access';

/** Requests that are simulated: more cost time, and IAM throttles the simulator. */
const MOST = 100;

/** A use with what Keyturn's own evaluator makes of it. */
export interface WeighedUse {
  readonly use: KeyUse;
  readonly access: UsedAccess;
}

export interface SimulationFacts extends UseFacts {
  /** The key that objects go to. */
  readonly newKey: KeyMarks;
}

/**
 * Lets IAM's simulator check what Keyturn's evaluator says of the identities that used the old key. Where the two contradict each
 * other, nothing is known.
 */
export async function checkedBySimulation(
  simulate: (request: SimulatedRequest) => Promise<Answered<Simulated>>,
  uses: readonly WeighedUse[],
  facts: SimulationFacts,
  looked: Looked,
): Promise<readonly UsedAccess[]> {
  const known = new Map<string, Answered<Simulated>>();
  let [silent, left] = ['', 0];
  const checked: UsedAccess[] = [];
  for (const { use, access } of uses) {
    const asked = identityRequest(use, facts);
    if (asked === undefined || silent !== '') {
      checked.push(access);
      continue;
    }
    const request = {
      arn: asked.arn,
      action: asked.request.action,
      resource: facts.newKey.arn,
      context: contextOf(asked.request.known, facts.newKey),
    };
    const key = JSON.stringify(request);
    if (!known.has(key) && known.size >= MOST) left += 1;
    else known.set(key, known.get(key) ?? (await simulate(request)));
    const answer = known.get(key);
    if (answer !== undefined && 'unknown' in answer) silent = answer.unknown;
    checked.push(answer?.known === undefined ? access : weighed(access, asked.said, answer.known));
  }
  if (silent !== '')
    looked.notRead.push(`IAM's own simulation, which tells of policies of the organization: ${silent}`);
  else if (known.size > 0) looked.asked.push(`IAM's own simulation of ${known.size} requests`);
  if (left > 0) looked.notRead.push(`IAM's own simulation of ${left} more uses`);
  return checked;
}

function weighed(access: UsedAccess, said: IdentitySays, simulated: Simulated): UsedAccess {
  const note = contradiction(said, simulated);
  // Nothing makes a refusal of the organization an allowance.
  if (note === undefined || (access.verdict === 'lost' && simulated.byOrganization === false)) return access;
  return { ...access, verdict: 'unknown', note };
}

/** What the simulator says otherwise; undefined where the two agree, or one of them cannot tell. */
function contradiction(
  { allows, denies }: IdentitySays,
  { decision, byOrganization, missing }: Simulated,
): string | undefined {
  if (byOrganization === false) return 'a policy of the organization refuses it, as IAM simulates it';
  if (missing.length > 0 || denies === 'unknown') return undefined;
  const undenied = allows === 'yes' ? 'allowed' : allows === 'no' ? 'implicitDeny' : undefined;
  const own = denies === 'yes' ? 'explicitDeny' : undenied;
  if (own === undefined || own === decision) return undefined;
  return `IAM simulates ${decision}, and its policies as they were read say ${own}`;
}

/** What the request surely sends. The simulator looks up nothing of the key. */
function contextOf(known: (key: string) => readonly string[] | undefined, { aliases = [], tags = [] }: KeyMarks) {
  const sent = SENT.flatMap((key) => {
    const values = known(key.toLowerCase()) ?? [];
    return values.length === 0 ? [] : [[key, values] as const];
  });
  const tagged = tags.map(({ key, value }) => [`aws:ResourceTag/${key}`, [value]] as const);
  const named = aliases.length === 0 ? [] : [['kms:ResourceAliases', aliases] as const];
  return Object.fromEntries([...sent, ...named, ...tagged]);
}

const SENT = [
  'aws:PrincipalAccount',
  'aws:PrincipalArn',
  'aws:PrincipalIsAWSService',
  'aws:SecureTransport',
  'kms:CallerAccount',
  'kms:EncryptionContext:aws:s3:arn',
  'kms:ViaService',
];
