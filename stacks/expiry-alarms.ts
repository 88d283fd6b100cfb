import { CloudwatchMetricAlarm } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm';
import type { TerraformStack } from 'cdktf';
import type { KeyVersion, Rotation } from '../lib/rotation/rotation';

const DAY_SECONDS = 24 * 60 * 60;

/** The key of one version, as the alarms need it. */
export interface AlarmedKey {
  readonly version: Pick<KeyVersion, 'name'>;
  /** The key ID: the metric's dimension is the ID, not the ARN. */
  readonly keyId: string;
}

/**
 * An alarm for each `expiry.warnDays`, which tells `expiry.alarmTopicArn` once the material of a key has that many days
 * left. KMS counts to the earliest expiry among a key's materials.
 *
 * Missing data leaves an alarm as it is: KMS stops counting when the material is gone, and an alarm that went back to OK
 * at that very moment would say the opposite of what happened. For the same reason the topic also hears of the way
 * back to OK, which is then a material that was imported again with a later date.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/imported-key-material-expiration-alarm.html
 */
export function declareExpiryAlarms(stack: TerraformStack, rotation: Rotation, { version, keyId }: AlarmedKey): void {
  const { alarmTopicArn, warnDays } = rotation.expiry;
  if (alarmTopicArn === undefined) return;
  for (const days of warnDays) {
    const id = `version_${version.name}_expires_${days}d`;
    const alarm = new CloudwatchMetricAlarm(stack, `alarm_${id}`, {
      alarmName: `keyturn-${rotation.name}-${version.name}-material-expires-in-${days}d`,
      alarmDescription:
        `The imported material of key version ${version.name} of rotation ${rotation.name} expires in less than ${days} days. ` +
        'Nothing under it can be read from then on: import the same material with a later date, or rotate.',
      namespace: 'AWS/KMS',
      metricName: 'SecondsUntilKeyMaterialExpiration',
      dimensions: { KeyId: keyId },
      statistic: 'Minimum',
      period: 60,
      evaluationPeriods: 1,
      comparisonOperator: 'LessThanOrEqualToThreshold',
      threshold: days * DAY_SECONDS,
      treatMissingData: 'ignore',
      alarmActions: [alarmTopicArn],
      okActions: [alarmTopicArn],
      tags: { ...rotation.tags, 'keyturn:rotation': rotation.name, 'keyturn:version': version.name },
    });
    alarm.overrideLogicalId(id);
  }
}
