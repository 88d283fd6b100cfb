import { KeyturnError } from '../errors';
import { describeKey } from '../kms/describe-key';
import { reencryptBucket } from '../objects/reencrypt';
import type { ProposalSight } from '../proposals/body';
import type { BucketForecast, Forecast } from '../proposals/forecast';
import type { Proposal } from '../proposals/proposal';
import { versionAlias } from '../rotation/rotation';
import type { RotationRun } from './rotation-run';

/** Stands for a key that does not exist yet: whatever is under any key at all is then to be moved. */
const NO_KEY_YET = 'arn:aws:kms:::key/not-declared-yet';

type Looking = Pick<RotationRun, 'rotation' | 'clients' | 'identity'>;

/** What AWS holds now of the version that a proposal is about. Reads only. */
export async function sightOf({ rotation, clients, identity }: Looking, proposal: Proposal): Promise<ProposalSight> {
  const declared = rotation.keyVersions.find((one) => one.name === proposal.version);
  const key = await describeKey(clients.kms, declared?.keyArn ?? versionAlias(rotation, { name: proposal.version }));
  return { key: key && { arn: key.arn, state: key.state }, account: identity.account };
}

/**
 * Refuses a proposal that AWS or the evidence contradict: a version that is recorded as retired becomes disabled by the
 * keys stack, without the gate. So it must be off already, or evidence must show that the gate opened for it.
 *
 * @param retiredByEvidence - versions of which sound evidence shows that the gate opened and the key was disabled.
 * @throws KeyturnError `proposal-refused`
 */
export function requireGrounds(
  proposal: Proposal,
  sight: ProposalSight | undefined,
  retiredByEvidence: ReadonlySet<string>,
): void {
  const { kind, version, from } = proposal;
  if (kind === 'version' && sight?.key) {
    throw new KeyturnError('proposal-refused', {
      problem: `an alias for ${version} exists already and points at ${sight.key.arn} (${sight.key.state})`,
      hint: 'choose another name with --name; a name is never used again',
    });
  }
  if (kind === 'rollback' && sight && !['Enabled', 'Disabled'].includes(sight.key?.state ?? '')) {
    throw new KeyturnError('rollback-impossible', { version, state: sight.key?.state ?? 'no key' });
  }
  if (kind !== 'retire') return;
  const off = sight ? sight.key?.state === 'Disabled' : retiredByEvidence.has(version);
  if (off) return;
  throw new KeyturnError('proposal-refused', {
    problem: sight
      ? `${version} is ${sight.key?.state ?? 'not there'} in AWS: recorded as retired, Terraform would disable it past the retire gate`
      : `no sound evidence here shows that the retire gate opened for ${version}`,
    hint: `run \`npx keyturn post-apply\` first, which disables it once nothing is left under it; ${from} must be active by then`,
  });
}

/** What a proposal will move, counted by a dry run over every declared bucket. Changes nothing. */
export async function forecastOf(run: RotationRun, proposal: Proposal, sight: ProposalSight): Promise<Forecast> {
  if (proposal.kind === 'retire') return { known: false, why: 'this proposal moves nothing' };
  const { method } = run.rotation.reencrypt;
  const buckets: BucketForecast[] = [];
  for (const bucket of run.rotation.buckets) {
    const counted = await reencryptBucket(run.store, {
      bucket: bucket.name,
      targetKeyArn: sight.key?.arn ?? NO_KEY_YET,
      bucketKeyDefault: bucket.bucketKey,
      method,
      ...run.reencrypt,
      dryRun: true,
      signal: run.signal,
      onProgress: (text) => run.reporter.progress(text),
    });
    buckets.push({
      bucket: bucket.name,
      objectVersions: counted.objectVersions,
      toMove: counted.moved,
      bytes: counted.movedBytes,
      blocked: counted.blockedTotal,
      unknown: counted.failedTotal,
      requests: requestsFor(counted),
      seconds: undefined,
      dollars: undefined,
    });
  }
  const later =
    proposal.kind === 'version' ? ['This pull request moves nothing yet: the figures are for the switch'] : [];
  return {
    known: true,
    method,
    buckets,
    basis: [...later, 'Time and cost are not forecast: no price list is built in'],
  };
}

/** Looking at each version, moving it and looking again, one more listing of what is new, and the verification. */
function requestsFor(counted: { readonly requests: number; readonly moved: number }): number {
  return 2 * counted.requests + 2 * counted.moved;
}
