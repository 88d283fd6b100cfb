import { CloudwatchMetricAlarm } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm';
import type { Construct } from 'constructs';
import type { KeyVersion, Rotation } from '../lib/rotation/rotation';

const DAY_SECONDS = 24 * 60 * 60;

/** The key of one version, for the alarms. */
export interface AlarmedKey {
  readonly version: Pick<KeyVersion, 'name'>;
  /** The key ID: the metric's dimension is the ID, not the ARN. */
  readonly keyId: string;
}

/**
 * One alarm per entry of `expiry.warnDays`. It notifies `expiry.alarmTopicArn` once the material of a key has that
 * many days left. KMS counts to the earliest expiry among a key's materials.
 *
 * Missing data does not change an alarm: KMS stops the metric when the material is deleted, and an alarm that
 * returned to OK at that moment would be wrong. So OK means that material was imported again with a later date, and
 * the topic is notified of it too.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/imported-key-material-expiration-alarm.html
 */
export function declareExpiryAlarms(scope: Construct, rotation: Rotation, { version, keyId }: AlarmedKey): void {
  const { alarmTopicArn, warnDays } = rotation.expiry;
  if (alarmTopicArn === undefined) return;
  for (const days of warnDays) {
    const id = `version_${version.name}_expires_${days}d`;
    const alarm = new CloudwatchMetricAlarm(scope, `alarm_${id}`, {
      alarmName: `keyturn-${rotation.name}-${version.name}-material-expires-in-${days}d`,
      alarmDescription:
        `The imported material of key version ${version.name} of rotation ${rotation.name} expires in less than ${days} days. ` +
        'Then objects under it cannot be read: import the same material with a later date, or rotate.',
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
