/**
 * Exceptions for scanners that demand automatic KMS rotation. KMS cannot rotate imported key material automatically,
 * so their fix is impossible; Keyturn rotates the keys, and evidence proves it.
 */
import { stringify } from 'yaml';
import type { Observation } from '../observation/observe';
import type { Rotation } from '../rotation/rotation';

export const SCANNERS = ['checkov', 'prowler', 'config'] as const;
export type Scanner = (typeof SCANNERS)[number];

export interface WaiverInput {
  readonly rotation: Rotation;
  readonly account: string;
  readonly seen: Observation;
  /** Path or URL of the evidence, for reviewers. */
  readonly evidence: string;
  /** End of the exception, for scanners that support one; absent: never. */
  readonly until: Date | undefined;
}

interface WaivedKey {
  readonly version: string;
  readonly id: string;
  readonly arn: string;
}

/** The exception file of a scanner, for the external keys of this rotation only. */
export function scannerWaivers(scanner: Scanner, input: WaiverInput): string {
  const keys = waivedKeys(input);
  switch (scanner) {
    case 'checkov':
      return json(checkov(input));
    case 'prowler':
      return prowler(input, keys);
    case 'config':
      return json(config(input, keys));
  }
}

/** Existing keys with material. Adopted keys are excluded, because other owners decide about them. */
export function waivedKeys({ seen }: Pick<WaiverInput, 'seen'>): readonly WaivedKey[] {
  return seen.versions.flatMap(({ version, key }) =>
    key?.origin === 'EXTERNAL' && version.keyArn === undefined
      ? [{ version: version.name, id: key.id, arn: key.arn }]
      : [],
  );
}

const reason = ({ rotation, evidence }: WaiverInput): string =>
  `Imported key material (origin EXTERNAL), which KMS cannot rotate automatically; Keyturn replaces the key in rotation ${rotation.name}, evidence: ${evidence}`;

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/**
 * A Checkov baseline, for `checkov --baseline`. In the inspected versions CKV_AWS_7 checks only `aws_kms_key`; this
 * baseline also covers external keys in case a later version checks them.
 */
function checkov(input: WaiverInput): unknown {
  const findings = input.rotation.keyVersions
    .filter((version) => version.keyArn === undefined)
    .map(({ name }) => ({ resource: `aws_kms_external_key.version_${name}`, check_ids: ['CKV_AWS_7'] }));
  return { comment: reason(input), failed_checks: [{ file: '/cdk.tf.json', findings }] };
}

/**
 * A Prowler mute list, for `prowler aws --mutelist-file`. Resources are regular expressions there: the whole id and
 * no more.
 */
function prowler(input: WaiverInput, keys: readonly WaivedKey[]): string {
  const check = {
    Regions: [input.rotation.region],
    Resources: keys.map(({ id }) => `^${id}$`),
    Description: reason(input),
  };
  const list = { Mutelist: { Accounts: { [input.account]: { Checks: { kms_cmk_rotation_enabled: check } } } } };
  return stringify(list, { lineWidth: 0, defaultKeyType: 'PLAIN', defaultStringType: 'QUOTE_DOUBLE' });
}

/** AWS Config checks each key; Security Hub's control KMS.4 shows its findings. */
function config(input: WaiverInput, keys: readonly WaivedKey[]): unknown {
  const text = reason(input);
  return {
    putRemediationExceptions: {
      ConfigRuleName: 'cmk-backing-key-rotation-enabled',
      ResourceKeys: keys.map(({ id }) => ({ ResourceType: 'AWS::KMS::Key', ResourceId: id })),
      Message: text.slice(0, CONFIG_MESSAGE),
      ...(input.until ? { ExpirationTime: input.until.toISOString() } : {}),
    },
    createAutomationRule: {
      RuleName: `keyturn-${input.rotation.name}-kms-rotation`,
      RuleOrder: 1,
      RuleStatus: 'ENABLED',
      IsTerminal: false,
      Description: text.slice(0, HUB_TEXT),
      Criteria: {
        ComplianceSecurityControlId: [{ Value: 'KMS.4', Comparison: 'EQUALS' }],
        ResourceId: keys.map(({ arn }) => ({ Value: arn, Comparison: 'EQUALS' })),
      },
      Actions: [
        {
          Type: 'FINDING_FIELDS_UPDATE',
          FindingFieldsUpdate: {
            Workflow: { Status: 'SUPPRESSED' },
            Note: { Text: text.slice(0, HUB_TEXT), UpdatedBy: 'keyturn' },
          },
        },
      ],
    },
  };
}

/** @see https://docs.aws.amazon.com/config/latest/APIReference/API_PutRemediationExceptions.html */
const CONFIG_MESSAGE = 1024;
/** @see https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_NoteUpdate.html */
const HUB_TEXT = 512;
