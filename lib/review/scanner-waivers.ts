/**
 * Exceptions for scanners that demand automatic KMS rotation. KMS cannot rotate imported key material automatically,
 * so their fix is impossible; Keyturn rotates the keys, and evidence proves it.
 */
import { stringify } from 'yaml';
import type { KeyVersion, Rotation } from '../rotation/rotation';

export const SCANNERS = ['prowler', 'config'] as const;
export type Scanner = (typeof SCANNERS)[number];

export interface WaiverInput {
  readonly rotation: Rotation;
  readonly account: string;
  readonly keys: readonly WaivedKey[];
  /** Path or URL of the evidence, for reviewers. */
  readonly evidence: string;
  /** End of the exception, for scanners that support one; absent: never. */
  readonly until: Date | undefined;
}

/** An external key that is in AWS. */
export interface WaivedKey {
  readonly version: string;
  readonly id: string;
  readonly arn: string;
}

/** The exception file of a scanner, for the external keys of this rotation only. */
export function scannerWaivers(scanner: Scanner, input: WaiverInput): string {
  switch (scanner) {
    case 'prowler':
      return prowler(input);
    case 'config':
      return json(config(input));
  }
}

/** A declared version and its key, as AWS describes it. */
interface VersionWithKey {
  readonly version: Pick<KeyVersion, 'name' | 'keyArn'>;
  readonly key: { readonly id: string; readonly arn: string; readonly origin: string } | undefined;
}

/** The rotation's own keys that are in AWS: an adopted key is not Keyturn's to waive. */
export function waivedKeys(versions: readonly VersionWithKey[]): readonly WaivedKey[] {
  return versions.flatMap(({ version, key }) =>
    key?.origin === 'EXTERNAL' && version.keyArn === undefined
      ? [{ version: version.name, id: key.id, arn: key.arn }]
      : [],
  );
}

const reason = ({ rotation, evidence }: WaiverInput): string =>
  `Imported key material (origin EXTERNAL), which KMS cannot rotate automatically; Keyturn replaces the key in rotation ${rotation.name}, evidence: ${evidence}`;

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A Prowler mute list, for `prowler aws --mutelist-file`. Resources are regular expressions there: the whole id and no more. */
function prowler(input: WaiverInput): string {
  const check = {
    Regions: [input.rotation.region],
    Resources: input.keys.map(({ id }) => `^${id}$`),
    Description: reason(input),
  };
  const list = { Mutelist: { Accounts: { [input.account]: { Checks: { kms_cmk_rotation_enabled: check } } } } };
  return stringify(list, { lineWidth: 0, defaultKeyType: 'PLAIN', defaultStringType: 'QUOTE_DOUBLE' });
}

/** AWS Config checks each key; Security Hub's control KMS.4 shows its findings. */
function config(input: WaiverInput): unknown {
  const text = reason(input);
  return {
    putRemediationExceptions: {
      ConfigRuleName: 'cmk-backing-key-rotation-enabled',
      ResourceKeys: input.keys.map(({ id }) => ({ ResourceType: 'AWS::KMS::Key', ResourceId: id })),
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
        ResourceId: input.keys.map(({ arn }) => ({ Value: arn, Comparison: 'EQUALS' })),
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
