import { DataAwsKmsKey } from '@cdktf/provider-aws/lib/data-aws-kms-key';
import type { TerraformStack } from 'cdktf';
import { activeVersion, type KeyVersion, type Rotation, stackNames, versionAlias } from '../lib/rotation/rotation';
import { CALLER_IDENTITY, callerIdentity } from './identity';

/** A condition that the plan itself checks, and what it says when it refuses. */
export interface Guard {
  readonly condition: string;
  readonly errorMessage: string;
}

/** The key that alias and bucket defaults move to, as the plan finds it. */
export interface Target {
  readonly arn: string;
  readonly guards: readonly Guard[];
}

/** First words of every guard's message: they say whose refusal it is amid Terraform's own words. */
export const GUARD_WORDS = 'keyturn guard:';

/** What to do about a key in each state; the words for any other state come last. */
const ADVICE = {
  declared: {
    PendingImport: 'import its material with \\"npx keyturn pre-apply\\", then plan again',
    Disabled: 'enable it (\\"npx keyturn rollback\\" does, and makes it active), then plan again',
    PendingDeletion: 'cancel its deletion (aws kms cancel-key-deletion) and enable it, then plan again',
  },
  adopted: {
    PendingImport: 'its owner must import its material, then plan again',
    Disabled: 'its owner must enable it, then plan again',
    PendingDeletion: 'its owner must cancel its deletion and enable it, then plan again',
  },
} as const;

/**
 * Looks the active version up and guards it: by its version alias, or by the ARN of an adopted key.
 *
 * While the alias does not exist yet (storage planned before the keys stack was applied) Terraform stops at the look-up,
 * before any guard can speak. All that can lead on there is the look-up's own name, which Terraform prints: it says what
 * comes first.
 */
export function guardedTarget(stack: TerraformStack, rotation: Rotation): Target {
  const version = activeVersion(rotation);
  const id = version.keyArn === undefined ? `after_${stackNames(rotation).keys}_and_keyturn_pre-apply` : 'adopted';
  const key = new DataAwsKmsKey(stack, id, { keyId: version.keyArn ?? versionAlias(rotation, version) });
  const found = `data.aws_kms_key.${id}`;
  const named =
    version.keyArn === undefined
      ? `key version ${version.name} (${versionAlias(rotation, version)})`
      : `adopted key version ${version.name} (${version.keyArn})`;
  return {
    arn: key.arn,
    guards: [enabled(named, found, version), ...(version.keyArn === undefined ? [external(named, found)] : [])],
  };
}

function enabled(named: string, found: string, version: KeyVersion): Guard {
  const state = `${found}.key_state`;
  const advice = Object.entries(version.keyArn === undefined ? ADVICE.declared : ADVICE.adopted)
    .map(([name, words]) => `${name} = "${words}"`)
    .join(', ');
  return {
    condition: `\${${state} == "Enabled"}`,
    errorMessage: `${GUARD_WORDS} ${named} is \${${state}}, not Enabled: \${lookup({${advice}}, ${state}, "wait until it is Enabled, then plan again")}.`,
  };
}

function external(named: string, found: string): Guard {
  const origin = `${found}.origin`;
  return {
    condition: `\${${origin} == "EXTERNAL"}`,
    errorMessage: `${GUARD_WORDS} ${named} has origin \${${origin}}, not EXTERNAL: the version alias points at a key that the keys stack did not create; point it back by applying the keys stack, or declare the key as adopted (keyArn).`,
  };
}

/**
 * For a version that the file declares disabled: Terraform may only find it disabled, not disable it. Turning a key off is
 * for the retire gate alone, and a line in a file is no way around it.
 */
export function retired(stack: TerraformStack, rotation: Rotation, version: KeyVersion): Guard {
  const id = `retired_${version.name}`;
  new DataAwsKmsKey(stack, id, { keyId: versionAlias(rotation, version) });
  const state = `data.aws_kms_key.${id}.key_state`;
  return {
    condition: `\${contains(["Disabled", "PendingDeletion"], ${state})}`,
    errorMessage: `${GUARD_WORDS} key version ${version.name} (${versionAlias(rotation, version)}) is \${${state}}, but the rotation file declares it disabled: take "disabled: true" off it, and let "npx keyturn post-apply" retire it behind the retire gate.`,
  };
}

/**
 * For the main alias on an adopted key while the rotation file names no account: whether the key is the caller's own shows
 * only in the plan. A reference inside `${}` is written by hand, for cdktf turns a token there into a mere text.
 */
export function sameAccount(stack: TerraformStack, rotation: Rotation, owner: string): Guard {
  callerIdentity(stack);
  return {
    condition: `\${data.aws_caller_identity.${CALLER_IDENTITY}.account_id == "${owner}"}`,
    errorMessage: `${GUARD_WORDS} ${rotation.alias} cannot point at a key of account ${owner} from another account: write "account:" with your own account into the rotation file, and the storage stack leaves the alias out.`,
  };
}
