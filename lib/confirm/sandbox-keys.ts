import { CreateKeyCommand, DisableKeyCommand, EnableKeyCommand } from '@aws-sdk/client-kms';
import type { AwsClients } from '../aws/clients';
import { called } from '../aws/failures';
import { isCode } from '../errors';
import { generateKeyMaterial, type KeyMaterial } from '../key-material/secret';
import { wrapKeyMaterial } from '../key-material/wrap';
import { type ImportRequest, type ImportResult, importMaterial } from '../kms/import-key-material';
import { type ImportParameters, importParameters } from '../kms/import-parameters';
import { pauseFor, waitForKey } from '../kms/wait-for-key';
import { keyDescription, MARK_TAG } from './sandbox-mark';

/** A key and the material that was imported into it first. */
export interface ImportedKey {
  readonly arn: string;
  readonly material: KeyMaterial;
  readonly keyMaterialId: string;
  /** The pair of public key and token that it was imported with. */
  readonly parameters: ImportParameters;
}

type ImportHow = Pick<ImportRequest, 'importType' | 'keyMaterialId'> & {
  /** Default: new ones. */
  readonly parameters?: ImportParameters;
};

/** What the keys are made with and for. */
export interface SandboxKeysOf {
  readonly clients: Pick<AwsClients, 'kms'>;
  readonly mark: string;
  readonly signal: AbortSignal;
  /** How long a new key may be denied, in milliseconds. */
  readonly waitMs: number;
}

/** Milliseconds between two attempts to see a new key. */
const TAG_PAUSE = 10_000;

/** The two keys of a run, each made when a probe first asks for it. Their material is random, and in this process only. */
export class SandboxKeys {
  readonly #clients: Pick<AwsClients, 'kms'>;
  readonly #mark: string;
  readonly #signal: AbortSignal;
  readonly #waitMs: number;
  readonly #materials: KeyMaterial[] = [];
  #external: Promise<string> | undefined;
  #other: Promise<string> | undefined;
  #imported: Promise<ImportedKey> | undefined;

  constructor({ clients, mark, signal, waitMs }: SandboxKeysOf) {
    this.#clients = clients;
    this.#mark = mark;
    this.#signal = signal;
    this.#waitMs = waitMs;
  }

  /** ARN of the key for imported material; pending import until {@link imported}. */
  external(): Promise<string> {
    this.#external ??= this.#create('EXTERNAL', 'imported material');
    return this.#external;
  }

  /** ARN of a key whose material KMS made. */
  other(): Promise<string> {
    this.#other ??= this.#create('AWS_KMS', 'material of KMS');
    return this.#other;
  }

  /** The key of {@link external} after its first import. */
  imported(): Promise<ImportedKey> {
    this.#imported ??= this.#importFirst();
    return this.#imported;
  }

  /** 32 random bytes that are zeroed with the run. */
  material(): KeyMaterial {
    const material = generateKeyMaterial();
    this.#materials.push(material);
    return material;
  }

  async parameters(arn: string): Promise<ImportParameters> {
    return importParameters(this.#clients.kms, arn, { spec: 'RSA_2048', signal: this.#signal });
  }

  /** Wraps the material and imports it. @throws KeyturnError as `importMaterial` */
  async import(arn: string, material: KeyMaterial, { parameters, ...how }: ImportHow): Promise<ImportResult> {
    const used = parameters ?? (await this.parameters(arn));
    const { ciphertext } = wrapKeyMaterial(material, used);
    const request = { keyArn: arn, importToken: used.importToken, wrapped: ciphertext, ...how };
    return importMaterial(this.#clients.kms, request);
  }

  /** Only for keys that {@link external} or {@link other} made. */
  async setEnabled(arn: string, enabled: boolean): Promise<void> {
    const [action, command] = enabled
      ? (['kms:EnableKey', new EnableKeyCommand({ KeyId: arn })] as const)
      : (['kms:DisableKey', new DisableKeyCommand({ KeyId: arn })] as const);
    const own = await Promise.all([this.#external, this.#other]);
    if (!own.includes(arn)) throw new Error(`${arn} is no key of this run`);
    await called(action, arn, () => this.#clients.kms.send(command as EnableKeyCommand));
    const awaited = enabled ? 'Enabled' : 'Disabled';
    await waitForKey(this.#clients.kms, arn, ({ state }) => state === awaited, { signal: this.#signal, awaited });
  }

  /** Zeroes every material. */
  dispose(): void {
    for (const material of this.#materials) material[Symbol.dispose]();
  }

  async #create(origin: 'EXTERNAL' | 'AWS_KMS', what: string): Promise<string> {
    const command = new CreateKeyCommand({
      Origin: origin,
      Description: keyDescription(this.#mark, what),
      Tags: [{ TagKey: MARK_TAG, TagValue: this.#mark }],
    });
    const { KeyMetadata } = await called('kms:CreateKey', '*', () => this.#clients.kms.send(command));
    const arn = KeyMetadata?.Arn ?? '';
    await this.#visible(arn);
    return arn;
  }

  /** A policy on tags may admit to a new key only minutes later. */
  async #visible(arn: string): Promise<void> {
    for (const deadline = Date.now() + this.#waitMs; ; ) {
      try {
        await waitForKey(this.#clients.kms, arn, () => true, { signal: this.#signal, awaited: 'visible' });
        return;
      } catch (error) {
        if (!isCode(error, 'aws-access-denied') || Date.now() + TAG_PAUSE > deadline) throw error;
      }
      await pauseFor(TAG_PAUSE, this.#signal, 'waiting for the tag of a key to count');
    }
  }

  async #importFirst(): Promise<ImportedKey> {
    const arn = await this.external();
    const material = this.material();
    const parameters = await this.parameters(arn);
    const { keyMaterialId } = await this.import(arn, material, { importType: 'NEW_KEY_MATERIAL', parameters });
    await waitForKey(this.#clients.kms, arn, ({ state }) => state === 'Enabled', {
      signal: this.#signal,
      awaited: 'Enabled',
    });
    return { arn, material, keyMaterialId, parameters };
  }
}
