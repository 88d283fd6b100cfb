import { rotation, synthesized, version } from './synthesized';

const TOPIC = 'arn:aws:sns:ap-northeast-1:111122223333:key-expiry';
const END = new Date('2027-11-01T00:00:00Z');
const told = { alarmTopicArn: TOPIC, warnDays: [60, 30, 7] };

const alarms = (differences: Parameters<typeof rotation>[0]) =>
  synthesized(rotation(differences)).keys.resource?.aws_cloudwatch_metric_alarm ?? {};

describe('a version whose material expires', () => {
  const declared = alarms({
    keyVersions: [version('v1', { materialValidTo: END })],
    expiry: told,
    tags: { team: 'pay' },
  });

  it('has an alarm for each of the days', () => {
    expect(Object.keys(declared).sort()).toEqual([
      'version_v1_expires_30d',
      'version_v1_expires_60d',
      'version_v1_expires_7d',
    ]);
  });

  it('is watched by KMS’s own countdown, the least of it, for that key', () => {
    expect(declared.version_v1_expires_30d).toMatchObject({
      alarm_name: 'keyturn-payroll-v1-material-expires-in-30d',
      namespace: 'AWS/KMS',
      metric_name: 'SecondsUntilKeyMaterialExpiration',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a Terraform expression
      dimensions: { KeyId: '${aws_kms_external_key.version_v1.id}' },
      statistic: 'Minimum',
      comparison_operator: 'LessThanOrEqualToThreshold',
      threshold: 30 * 86_400,
      tags: { team: 'pay', 'keyturn:rotation': 'payroll', 'keyturn:version': 'v1' },
    });
  });

  it('notifies the topic of both transitions, and stays in alarm when the material is deleted', () => {
    expect(declared.version_v1_expires_7d).toMatchObject({
      alarm_actions: [TOPIC],
      ok_actions: [TOPIC],
      treat_missing_data: 'ignore',
    });
  });
});

it('declares no alarm without a topic', () => {
  expect(alarms({ keyVersions: [version('v1', { materialValidTo: END })] })).toEqual({});
});

it('declares no alarm for material that does not expire, nor for a retired version', () => {
  const keyVersions = [version('v1', { materialValidTo: END, disabled: true }), version('v2')];
  expect(alarms({ keyVersions, activeVersion: 'v2', expiry: told })).toEqual({});
});

it('watches the one key of a rotation in place once, whichever of its material expires', () => {
  const keyVersions = [version('v1'), version('v2', { materialValidTo: END })];
  expect(Object.keys(alarms({ strategy: 'in-place', keyVersions, expiry: { ...told, warnDays: [7] } }))).toEqual([
    'version_v1_expires_7d',
  ]);
});
