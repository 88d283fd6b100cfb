import {
  DescribeKeyCommand,
  type KMSClient,
  ListResourceTagsCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { called } from '../aws/failures';
import { isMark, keyDescription, MARK_TAG } from './sandbox-mark';

/** The shortest waiting time that KMS accepts. */
export const DELETION_DAYS = 7;

/** Why a key is left as it is; undefined: it is one that a run of `confirm` made. */
export type NotOurs = 'no-mark' | 'other-description' | 'not-customer-managed';

/**
 * Schedules the deletion of one key that a run of `confirm` made: the only call of Keyturn that ends a key. Right before,
 * it asks KMS for the tag of the run and for the description that the run gave the key at its creation, which must name
 * the same run. A key whose deletion is scheduled already is left alone.
 *
 * @returns whether the deletion is scheduled, or why the key is none of `confirm`
 * @throws KeyturnError as `called`
 */
export async function scheduleOwnKeyDeletion(
  kms: KMSClient,
  keyArn: string,
): Promise<'scheduled' | 'already' | NotOurs> {
  const mark = await markOf(kms, keyArn);
  if (mark === undefined) return 'no-mark';
  const { KeyMetadata: key } = await called('kms:DescribeKey', keyArn, () =>
    kms.send(new DescribeKeyCommand({ KeyId: keyArn })),
  );
  if (key?.KeyManager !== 'CUSTOMER') return 'not-customer-managed';
  if (!key.Description?.startsWith(keyDescription(mark, ''))) return 'other-description';
  if (key.KeyState === 'PendingDeletion') return 'already';
  const command = new ScheduleKeyDeletionCommand({ KeyId: keyArn, PendingWindowInDays: DELETION_DAYS });
  await called('kms:ScheduleKeyDeletion', keyArn, () => kms.send(command));
  return 'scheduled';
}

async function markOf(kms: KMSClient, keyArn: string): Promise<string | undefined> {
  let Marker: string | undefined;
  do {
    const command: ListResourceTagsCommand = new ListResourceTagsCommand({ KeyId: keyArn, Marker });
    const page = await called('kms:ListResourceTags', keyArn, () => kms.send(command));
    const tag = page.Tags?.find(({ TagKey }) => TagKey === MARK_TAG);
    if (tag !== undefined) return isMark(tag.TagValue) ? tag.TagValue : undefined;
    Marker = page.Truncated ? page.NextMarker : undefined;
  } while (Marker !== undefined);
  return undefined;
}
