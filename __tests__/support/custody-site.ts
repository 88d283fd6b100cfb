import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { generateIdentity } from '../../lib/key-material/age-identity';
import type { LocalAws } from '../../local-aws';
import { type Spoken, speak } from './command-line';
import { startTestAws } from './embedded-aws';
import { rotationText } from './keyturn-process';
import { shortenWayTo } from './socketless';

/** A rotation file, an endpoint with its keys declared, and commands run in this process: no Terraform in between. */
export interface CustodySite {
  readonly directory: string;
  readonly identityFile: string;
  readonly endpoint: LocalAws;
  readonly kms: KMSClient;
  /** Declares an empty key behind the alias of the version, as the keys stack does; returns its ARN. */
  declareKey(version: string): Promise<string>;
  declare(text: string): Promise<void>;
  readRotation(): Promise<string>;
  describe(keyArn: string): Promise<{ readonly state: string | undefined; readonly validTo: Date | undefined }>;
  run(...args: readonly string[]): Promise<Spoken>;
  close(): Promise<void>;
}

const ALIAS = 'alias/rotation-test-key';

export async function openCustodySite(): Promise<CustodySite> {
  const outside = { ...process.env };
  const endpoint = await startTestAws();
  const goTheLongWay = shortenWayTo(endpoint);
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, endpoint.environment());
  const directory = await mkdtemp(path.join(tmpdir(), 'keyturn-custody-'));
  const identityFile = path.join(directory, 'identity.txt');
  const { recipient } = await generateIdentity(identityFile);
  const rotationFile = path.join(directory, 'rotation.yaml');
  const { accessKey, url, region } = endpoint;
  const kms = new KMSClient({ endpoint: url, region, credentials: accessKey });
  return {
    directory,
    identityFile,
    endpoint,
    kms,
    async declareKey(version) {
      const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL' }));
      const keyArn = KeyMetadata?.Arn ?? '';
      await kms.send(new CreateAliasCommand({ AliasName: `${ALIAS}/${version}`, TargetKeyId: KeyMetadata?.KeyId }));
      return keyArn;
    },
    declare: (text) => writeFile(rotationFile, text.replaceAll('RECIPIENT', recipient)),
    readRotation: () => readFile(rotationFile, 'utf8'),
    async describe(keyArn) {
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: keyArn }));
      return { state: KeyMetadata?.KeyState, validTo: KeyMetadata?.ValidTo };
    },
    run: (...args) => speak(directory, args),
    async close() {
      kms.destroy();
      goTheLongWay();
      await endpoint.close();
      await rm(directory, { recursive: true, force: true });
      process.env = outside;
    },
  };
}

/** A rotation file in which a version has a date. */
export function datedText(version: string, validTo: string, more = ''): string {
  return rotationText([version], version, more).replace(
    `- name: ${version}\n`,
    `- name: ${version} # the key of billing\n    materialValidTo: ${validTo}\n`,
  );
}

/** Whole seconds, so many days from now, as a rotation file writes it. */
export function inDays(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
