import { randomUUID } from 'node:crypto';
import { type Switch, switchId } from '../../batch/job-spec';
import { isCode, KeyturnError } from '../../errors';
import { aliasSwitchedAt } from '../../kms/alias-switch';
import { describeKey } from '../../kms/describe-key';
import { deployCommand } from '../../rotation/declared-stacks';
import { sourcesId } from '../../s3/version-scope';
import { moveSources } from '../move-scope';
import type { RunTarget } from '../rotation-run';

/** A switch with the id that jobs carry. */
export interface BoundSwitch {
  readonly switch: Switch;
  readonly switchId: string;
}

/**
 * The switch that the jobs of a run belong to: when the main alias was moved to the target key, which material that key
 * encrypts with, and what is moved. A job of an earlier switch to the same key says nothing about objects now: a
 * rollback may have moved them back. kms:ListAliases, kms:DescribeKey.
 *
 * @throws not-switched where the alias does not point at the key
 */
export async function boundSwitch(run: RunTarget, targetKeyArn: string): Promise<BoundSwitch> {
  const { clients, rotation } = run;
  const at = await aliasSwitchedAt(clients.kms, rotation.alias, targetKeyArn);
  const key = await describeKey(clients.kms, targetKeyArn);
  if (!at || !key) {
    const found = `the alias ${rotation.alias} does not point at ${targetKeyArn}`;
    const deploy = deployCommand(rotation, 'storage');
    throw new KeyturnError('not-switched', { version: rotation.activeVersion, found, deploy });
  }
  const sources = sourcesId(await moveSources(run));
  const bound = { at: at.toISOString(), keyArn: key.arn, keyMaterialId: key.currentKeyMaterialId, sources };
  return { switch: bound, switchId: switchId(bound) };
}

/**
 * The id that the journal of the local engine carries. Where the switch cannot be looked at, this run has an id of its
 * own. It then takes no journal of another run for its own, and looks at every version again.
 */
export async function journalSwitchId(run: RunTarget, targetKeyArn: string): Promise<string> {
  try {
    return (await boundSwitch(run, targetKeyArn)).switchId;
  } catch (error) {
    if (isCode(error, 'aws-access-denied')) return randomUUID();
    throw error;
  }
}
