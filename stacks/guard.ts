import { DataAwsKmsKey } from '@cdktf/provider-aws/lib/data-aws-kms-key';
import { Annotations, type TerraformStack } from 'cdktf';
import {
  activeVersion,
  boundKeyArn,
  type KeyVersion,
  type Rotation,
  stackNames,
  versionAlias,
} from '../lib/rotation/rotation';
import { CALLER_IDENTITY, callerIdentity } from './identity';

/** A condition that the plan itself checks, and its error message. */
export interface Guard {
  readonly condition: string;
  readonly errorMessage: string;
}

/** The target key of alias and bucket defaults, as the plan reads it. */
export interface Target {
  readonly arn: string;
  readonly guards: readonly Guard[];
}

/** Prefix of every guard message: it distinguishes the refusal from Terraform's own messages. */
export const GUARD_WORDS = 'keyturn guard:';

/** The next step for a key in each state; the text for any other state comes last. */
const ADVICE = {
  declared: {
    PendingImport: 'import its material with \\"npx keyturn pre-apply\\", then plan again',
    Disabled: 'enable it (\\"npx keyturn rollback\\" enables it and makes it active), then plan again',
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
 * While the alias does not exist yet (storage planned before the keys stack was applied), Terraform stops at the data
 * source, before any guard. Then only the name of the data source can help, because Terraform prints it: it names the
 * missing steps.
 */
export function guardedTarget(stack: TerraformStack, rotation: Rotation): Target {
  const version = activeVersion(rotation);
  const id = version.keyArn === undefined ? `after_${stackNames(rotation).keys}_and_keyturn_pre-apply` : 'adopted';
  if (stack.node.tryFindChild(id) === undefined) warnUnbound(stack, rotation, version);
  const key = lookedUp(stack, id, version.keyArn ?? versionAlias(rotation, version));
  const found = `data.aws_kms_key.${id}`;
  const named =
    version.keyArn === undefined
      ? `key version ${version.name} (${versionAlias(rotation, version)})`
      : `adopted key version ${version.name} (${version.keyArn})`;
  return {
    arn: key.arn,
    guards: [
      ...bound(rotation, version, found),
      enabled(named, found, version),
      ...(version.keyArn === undefined ? [external(named, found)] : []),
    ],
  };
}

/** Without a binding there is nothing to guard against: the CDKTF CLI shows this warning whenever it synthesizes, and plans and deploys do. */
function warnUnbound(stack: TerraformStack, rotation: Rotation, version: KeyVersion): void {
  if (boundKeyArn(rotation, version) !== undefined) return;
  Annotations.of(stack).addWarning(
    `rotation.lock.json does not bind ${version.name}: ${versionAlias(rotation, version)} alone decides which key alias and bucket defaults move to. Run "npx keyturn pre-apply", and commit the file.`,
  );
}

/** The data source of the active key, declared at the first use: several constructs of a stack may need it. */
function lookedUp(stack: TerraformStack, id: string, keyId: string): DataAwsKmsKey {
  const declared = stack.node.tryFindChild(id);
  if (!(declared instanceof DataAwsKmsKey)) return new DataAwsKmsKey(stack, id, { keyId });
  if (declared.keyIdInput === keyId) return declared;
  throw new RangeError(`the stack ${stack.node.id} looks up another key already: put this rotation into another stack`);
}

/**
 * For a version that `rotation.lock.json` binds: whoever can move the version alias must not decide which key it is. An
 * adopted version is looked up by its ARN.
 */
function bound(rotation: Rotation, version: KeyVersion, found: string): readonly Guard[] {
  const arn = boundKeyArn(rotation, version);
  if (arn === undefined || version.keyArn !== undefined) return [];
  const alias = versionAlias(rotation, version);
  const binder = version.takeOver === undefined ? 'rotation.lock.json' : 'takeOver';
  return [
    {
      condition: `\${${found}.arn == "${arn}"}`,
      errorMessage: `${GUARD_WORDS} ${alias} leads to \${${found}.arn}, but ${binder} binds key version ${version.name} to ${arn}: find out who moved the alias (CloudTrail: UpdateAlias), and move it back (aws kms update-alias --alias-name ${alias} --target-key-id ${arn}).`,
    },
  ];
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
    errorMessage: `${GUARD_WORDS} ${named} has origin \${${origin}}, not EXTERNAL: the version alias points at a key that the keys stack did not create; apply the keys stack to correct the alias, or declare the key as adopted (keyArn).`,
  };
}

/**
 * For a version that the file declares disabled: Terraform accepts only a key that is already disabled. Only the
 * retire gate may disable a key; a line in a file must not bypass it.
 */
export function retired(stack: TerraformStack, rotation: Rotation, version: KeyVersion): readonly Guard[] {
  const id = `retired_${version.name}`;
  new DataAwsKmsKey(stack, id, { keyId: versionAlias(rotation, version) });
  const state = `data.aws_kms_key.${id}.key_state`;
  const off = {
    condition: `\${contains(["Disabled", "PendingDeletion"], ${state})}`,
    errorMessage: `${GUARD_WORDS} key version ${version.name} (${versionAlias(rotation, version)}) is \${${state}}, but the rotation file declares it disabled: remove "disabled: true" from it, and run "npx keyturn post-apply", which retires it if the retire gate allows it.`,
  };
  return [...bound(rotation, version, `data.aws_kms_key.${id}`), off];
}

/**
 * For the main alias on an adopted key if the rotation file names no account: only the plan shows whether the caller
 * owns the key. The reference inside `${}` is written by hand, because cdktf turns a token there into plain text.
 */
export function sameAccount(stack: TerraformStack, rotation: Rotation, owner: string): Guard {
  callerIdentity(stack);
  return {
    condition: `\${data.aws_caller_identity.${CALLER_IDENTITY}.account_id == "${owner}"}`,
    errorMessage: `${GUARD_WORDS} ${rotation.alias} cannot point at a key of account ${owner} from another account: set "account:" to your own account in the rotation file; then the storage stack omits the alias.`,
  };
}

/** A state that holds another key under this version's address would make Terraform ignore the import. */
export function takenOver({ name }: KeyVersion, arn: string): Guard {
  return {
    condition: `\${self.arn == "${arn}"}`,
    errorMessage: `${GUARD_WORDS} the state holds \${self.arn} as key version ${name}, but the rotation file takes over ${arn}: correct takeOver.`,
  };
}
