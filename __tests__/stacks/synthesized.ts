import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type TerraformStack } from 'cdktf';
import { AWS_PROVIDER_VERSION } from '../../lib/rotation/provider-version';
import type { Bucket, KeyVersion, Rotation } from '../../lib/rotation/rotation';
import { KeysStack } from '../../stacks/keys-stack';
import { StorageStack } from '../../stacks/storage-stack';

export const ADOPTED_ARN = 'arn:aws:kms:ap-northeast-1:999988887777:key/11111111-2222-3333-4444-555555555555';

export function version(name: string, differences: Partial<KeyVersion> = {}): KeyVersion {
  return { name, materialValidTo: undefined, keyArn: undefined, disabled: false, ...differences };
}

export function bucket(name: string, differences: Partial<Bucket> = {}): Bucket {
  return { name, manage: 'bucket', bucketKey: true, ...differences };
}

/** A rotation of one version and one owned bucket, with the given differences. */
export function rotation(differences: Partial<Rotation> = {}): Rotation {
  return {
    file: '/somewhere/rotation.yaml',
    binding: [],
    name: 'payroll',
    region: 'ap-northeast-1',
    account: undefined,
    alias: 'alias/payroll',
    keyVersions: [version('v1')],
    activeVersion: 'v1',
    buckets: [bucket('payroll-data')],
    strategy: 'new-key',
    keyPolicy: { administrators: [], users: [], breakGlass: [], services: [] },
    expiry: { alarmTopicArn: undefined, warnDays: [60, 30, 7] },
    deletionWindowDays: 30,
    rotateEveryDays: undefined,
    tags: {},
    custody: { age: undefined, command: undefined, pkcs11: undefined },
    reencrypt: { method: 'rewrap', from: [], engine: 'local', batch: undefined },
    evidence: { bucket: undefined },
    retire: { verifyOnlyBuckets: [], unusedForDays: undefined, waivers: [] },
    access: { days: 30, waivers: [] },
    review: { waivers: [] },
    terraform: { awsProvider: AWS_PROVIDER_VERSION, backend: 'local' },
    ...differences,
  };
}

/** A Terraform expression as it stands in JSON. */
export const reference = (expression: string): string => `\${${expression}}`;

/**
 * What a `jsonencode` expression makes, references left in it as they are. Reads the one form that cdktf prints:
 * quoted names, ` = `, quoted texts, bare references.
 */
export function encodedBy(expression: unknown): Block {
  const [, object] = /^\$\{jsonencode\((.*)\)\}$/.exec(String(expression)) ?? [];
  if (object === undefined) throw new RangeError(`no jsonencode: ${String(expression)}`);
  const json = object
    .replace(/("(?:[^"\\]|\\.)*") = /g, '$1: ')
    .replace(/([:,[] ?)(data\.[\w.-]+)/g, (_all, before, name) => `${before}${JSON.stringify(reference(name))}`);
  return JSON.parse(json);
}

/** Terraform JSON, looked into by name. */
export interface Block {
  readonly [key: string]: Block | undefined;
}

/** The members of a block that is a list. */
export function listOf(block: Block | undefined): readonly (Block | undefined)[] {
  return Object.values(block ?? {});
}

/** Synthesizes both stacks as `main.ts` does, after letting the test change one of them. */
export function synthesized(
  from: Rotation,
  change: (stacks: { keys: TerraformStack; storage: TerraformStack }) => void = () => undefined,
): { readonly keys: Block; readonly storage: Block } {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-synth-'));
  // Not the folder itself: a checkout may lie in the folder of temporary files, and then looks like one below the project.
  const outdir = join(folder, 'cdktf.out');
  try {
    const app = new App({ outdir, stackTraces: false });
    const stacks = { keys: new KeysStack(app, from), storage: new StorageStack(app, from) };
    change(stacks);
    app.synth();
    const read = (name: string): Block =>
      JSON.parse(readFileSync(join(outdir, 'stacks', `${from.name}-${name}`, 'cdk.tf.json'), 'utf8'));
    return { keys: read('keys'), storage: read('storage') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
