import { constants, publicEncrypt, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  GetParametersForImportCommand,
  ImportKeyMaterialCommand,
  type KeyMetadata,
  KMSClient,
} from '@aws-sdk/client-kms';
import { CreateBucketCommand, GetBucketEncryptionCommand, S3Client } from '@aws-sdk/client-s3';
import { AWS_PROVIDER_VERSION } from '../../lib/rotation/provider-version';
import { findTerraform } from '../../lib/terraform/binary';
import { providerSource, writeCliConfiguration } from '../../lib/terraform/cli-configuration';
import { type StackDirectory, synthesize } from '../../lib/terraform/synthesize';
import { Terraform, type TerraformInput } from '../../lib/terraform/terraform';
import { terraformEnvironment } from '../../lib/terraform/terraform-environment';
import type { LocalAws, LocalAwsOptions } from '../../local-aws';
import { compiledStacks } from '../support/compiled-keyturn';
import { startTestAws } from '../support/embedded-aws';
import { type KeptProvider, type KeptProviderOptions, keepProvider } from '../support/kept-provider';

/** A rotation in a folder of its own, on an embedded endpoint of its own, with ordinary clients to look at what is there. */
export interface Stage extends AsyncDisposable {
  readonly folder: string;
  readonly aws: LocalAws;
  /** What a child process needs to reach the endpoint and the provider. */
  readonly env: NodeJS.ProcessEnv;
  /** Writes the rotation file and synthesizes it. */
  declare(rotation: string): Promise<{ readonly keys: StackDirectory; readonly storage: StackDirectory }>;
  terraform(env?: NodeJS.ProcessEnv, signal?: AbortSignal, provider?: TerraformInput['provider']): Promise<Terraform>;
  /** The executable that `terraform` runs now. */
  terraformFile(): string;
  /** From here on `terraform` asks one AWS provider that stays alive, where it is called with the endpoint's own access key. */
  keepProvider(options?: Pick<KeptProviderOptions, 'kinds'>): Promise<KeptProvider>;
  key(alias: string): Promise<KeyMetadata>;
  /** Imports random material under the key's own public key, as anybody could. */
  importMaterial(alias: string): Promise<void>;
  disable(alias: string): Promise<void>;
  /** Makes a key that is nobody's rotation, and gives its ARN. */
  createKey(): Promise<string>;
  createBucket(name: string): Promise<void>;
  /** ARN of the key that a bucket's default encryption names. */
  defaultKey(bucket: string): Promise<string | undefined>;
}

export async function stage(options: LocalAwsOptions = {}): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-e2e-'));
  const aws = await startTestAws(options);
  const client = {
    endpoint: aws.url,
    region: aws.region,
    credentials: aws.accessKey,
  };
  const kms = new KMSClient(client);
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  const binary = await findTerraform({ env: process.env });
  const source = await providerSource({ binary, env: process.env, required: AWS_PROVIDER_VERSION });
  const cliConfiguration = await writeCliConfiguration(source, folder);
  const env = terraformEnvironment({ ...process.env, ...aws.environment() }, cliConfiguration);

  let kept: KeptProvider | undefined;
  const terraformFile = (): string => kept?.terraform ?? binary.file;

  const key = async (alias: string): Promise<KeyMetadata> => {
    const { KeyMetadata: found } = await kms.send(new DescribeKeyCommand({ KeyId: alias }));
    if (!found) throw new Error(`no key ${alias}`);
    return found;
  };
  return {
    folder,
    aws,
    env,
    async declare(rotation) {
      const rotationFile = join(folder, 'rotation.yaml');
      await writeFile(rotationFile, rotation);
      return synthesize({ rotationFile, name: 'payroll', workDirectory: folder, env, trusted: compiledStacks() });
    },
    async terraform(own = env, signal, provider) {
      const found = { ...binary, file: terraformFile() };
      const required = AWS_PROVIDER_VERSION;
      return new Terraform({
        binary: found,
        source,
        required,
        cliConfiguration,
        env: own,
        signal,
        provider,
        lockTimeoutSeconds: 1,
      });
    },
    terraformFile,
    async keepProvider(options) {
      kept = await keepProvider(aws, options);
      return kept;
    },
    key,
    async importMaterial(alias) {
      const { KeyId } = await key(alias);
      const algorithm = { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' } as const;
      const parameters = await kms.send(new GetParametersForImportCommand({ KeyId, ...algorithm }));
      const publicKey = Buffer.from(parameters.PublicKey ?? []);
      const wrapped = publicEncrypt(
        {
          key: publicKey,
          format: 'der',
          type: 'spki',
          padding: constants.RSA_PKCS1_OAEP_PADDING,
          oaepHash: 'sha256',
        } as Parameters<typeof publicEncrypt>[0],
        randomBytes(32),
      );
      await kms.send(
        new ImportKeyMaterialCommand({
          KeyId,
          ImportToken: parameters.ImportToken,
          EncryptedKeyMaterial: wrapped,
          ExpirationModel: 'KEY_MATERIAL_EXPIRES',
          ValidTo: new Date(aws.clock.now() + 30 * 86_400_000),
          ImportType: 'NEW_KEY_MATERIAL',
        }),
      );
    },
    async disable(alias) {
      const { KeyId } = await key(alias);
      await kms.send(new DisableKeyCommand({ KeyId }));
    },
    async createKey() {
      const { KeyMetadata: made } = await kms.send(new CreateKeyCommand({}));
      return made?.Arn ?? '';
    },
    async createBucket(name) {
      const CreateBucketConfiguration = { LocationConstraint: 'ap-northeast-1' } as const;
      await s3.send(new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration }));
    },
    async defaultKey(bucket) {
      const { ServerSideEncryptionConfiguration: found } = await s3.send(
        new GetBucketEncryptionCommand({ Bucket: bucket }),
      );
      return found?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID;
    },
    async [Symbol.asyncDispose]() {
      kms.destroy();
      s3.destroy();
      await kept?.close();
      await aws.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
