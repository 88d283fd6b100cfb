import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  DeleteAliasCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  ListKeyRotationsCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import type { DriftFinding } from '../../lib/observation/drift-finding';
import { importMaterial } from '../conformance/byok';
import { type CustodySite, inDays, openCustodySite } from './custody-site';
import { rotationText } from './keyturn-process';
import { dateAhead, HostDate } from './moved-clock';

const DAY = 86_400_000;
const BUCKET = 'kms-key-rotation-test-bucket';
const ALIAS = 'alias/rotation-test-key';
const MOST_VERSIONS = 4;
/** Enough to lie under more than one key; each of them is read after every event. */
const MOST_OBJECTS = 3;

export type Strategy = 'new-key' | 'in-place';

const PLAIN = ['import', 'switch', 'post-apply', 'put', 'roll back', 'drill', 'lose evidence'] as const;
const BY_HAND = [
  'disable',
  'enable',
  'delete material',
  'schedule deletion',
  'cancel deletion',
  'foreign import',
  'move alias',
  'move default',
  'lose custody',
  'lose record',
  'extend',
] as const;

export type PlainKind = (typeof PLAIN)[number];
export type VersionKind = (typeof BY_HAND)[number];

export type HistoryEvent =
  | { readonly kind: 'declare' | 'jump'; readonly days: number | undefined }
  | { readonly kind: PlainKind }
  | { readonly kind: VersionKind; readonly version: number };

const plain = (weight: number, kind: (typeof PLAIN)[number]) => ({
  weight,
  arbitrary: fc.constant<HistoryEvent>({ kind }),
});
const byHand = (weight: number, kind: (typeof BY_HAND)[number]) => ({
  weight,
  arbitrary: fc.nat({ max: MOST_VERSIONS - 1 }).map((version): HistoryEvent => ({ kind, version })),
});
const dated = (weight: number, kind: 'declare' | 'jump', days: readonly (number | undefined)[]) => ({
  weight,
  arbitrary: fc.constantFrom(...days).map((one): HistoryEvent => ({ kind, days: one })),
});

/** What happens to a rotation in the course of years: its own commands, the operators', and time. */
export const historyEvent: fc.Arbitrary<HistoryEvent> = fc.oneof(
  dated(4, 'declare', [undefined, 90, 300]),
  plain(6, 'import'),
  plain(6, 'switch'),
  plain(4, 'post-apply'),
  plain(4, 'put'),
  plain(2, 'roll back'),
  plain(1, 'drill'),
  plain(1, 'lose evidence'),
  byHand(2, 'extend'),
  byHand(2, 'disable'),
  byHand(2, 'enable'),
  byHand(2, 'delete material'),
  byHand(2, 'schedule deletion'),
  byHand(1, 'cancel deletion'),
  byHand(1, 'foreign import'),
  byHand(1, 'move alias'),
  byHand(1, 'move default'),
  byHand(1, 'lose custody'),
  byHand(1, 'lose record'),
  dated(2, 'jump', [5, 40, 120, 400]),
);

export interface HistoryStatus {
  readonly exitCode: number;
  readonly next: { readonly command: string } | undefined;
  readonly drift: readonly DriftFinding[];
}

/** A rotation, its bucket, and whoever works on it, on one clock. */
export class RotationHistory {
  readonly #site: CustodySite;
  readonly #s3: S3Client;
  readonly #strategy: Strategy;
  readonly #names = ['v1'];
  readonly #arns: string[] = [];
  /** How the last command ended, for the report of a fault. */
  lastSaid = '';
  #objects = 0;
  #ahead = 0;

  private constructor(site: CustodySite, s3: S3Client, strategy: Strategy) {
    this.#site = site;
    this.#s3 = s3;
    this.#strategy = strategy;
  }

  /** One version, imported and switched to, and one object under it. */
  static async open(strategy: Strategy): Promise<RotationHistory> {
    const site = await openCustodySite();
    const { url, region, accessKey: credentials } = site.endpoint;
    const s3 = new S3Client({ endpoint: url, region, credentials, forcePathStyle: true, maxAttempts: 1 });
    const CreateBucketConfiguration = { LocationConstraint: region as 'eu-west-1' };
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration }));
    await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }));
    const history = new RotationHistory(site, s3, strategy);
    const keyArn = await history.#declareKey('v1');
    await site.declare(rotationText(['v1'], 'v1', strategy === 'in-place' ? 'strategy: in-place\n' : ''));
    await history.#run('pre-apply', '--yes');
    await site.kms.send(new CreateAliasCommand({ AliasName: ALIAS, TargetKeyId: keyArn }));
    await history.#pointAt(keyArn);
    await history.#put();
    return history;
  }

  async close(): Promise<void> {
    globalThis.Date = HostDate;
    this.#s3.destroy();
    await this.#site.close();
  }

  async apply(event: HistoryEvent): Promise<void> {
    switch (event.kind) {
      case 'declare':
        return this.#declare(event.days);
      case 'jump':
        return this.#jump((event.days ?? 1) * DAY);
      case 'import':
        return this.#run('pre-apply', '--yes', '--identity', this.#site.identityFile);
      case 'post-apply':
        return this.#run('post-apply', '--yes', '--relist-delay', '0s');
      case 'drill':
        return this.#run('drill', '--yes', '--identity', this.#site.identityFile);
      case 'switch':
        return this.#activate(1);
      case 'roll back':
        return this.#strategy === 'in-place' ? undefined : this.#activate(-1);
      case 'put':
        return this.#put();
      case 'lose evidence':
        return rmSync(path.join(this.#site.directory, '.keyturn'), { recursive: true, force: true });
      default:
        return this.#toVersion(event.kind, this.#names[event.version]);
    }
  }

  /** Every object can be read, and a new one written. */
  async works(): Promise<boolean> {
    for (let index = 0; index < this.#objects; index += 1) if (!(await this.#isRead(`object ${index}`))) return false;
    return this.#write('probe');
  }

  async status(): Promise<HistoryStatus> {
    const { exitCode, stdout, stderr } = await this.#site.run('status', '--detailed-exitcode', '--json');
    const { next, drift, error } = JSON.parse(stdout);
    if (error) throw new Error(`status failed: ${stderr}${stdout}`);
    return { exitCode, next, drift };
  }

  get directory(): string {
    return this.#site.directory;
  }

  /** Runs a command; fails where it fails. */
  async run(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#site.run(...args);
    if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}: ${stderr}`);
    return stdout;
  }

  async edit(change: (text: string) => string): Promise<void> {
    await this.#site.declare(change(await this.#site.readRotation()));
  }

  /** Somebody else's material waits in the one key. */
  async leaveForeignMaterial(): Promise<void> {
    const key = await this.#keyOf('v1');
    const terms = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE', ImportType: 'NEW_KEY_MATERIAL' } as const;
    await importMaterial(this.#site.kms, key?.arn ?? '', randomBytes(32), terms);
  }

  /** Somebody rotates the key of v1 to material of his own. */
  async rotateToForeignMaterial(): Promise<void> {
    await this.leaveForeignMaterial();
    await this.#site.kms.send(new RotateKeyOnDemandCommand({ KeyId: (await this.#keyOf('v1'))?.arn }));
  }

  /** Somebody points the alias of a version at the key of another one. */
  async moveVersionAlias(version: string, other: string): Promise<void> {
    const key = await this.#keyOf(other);
    await this.#moveAlias(key?.arn ?? '', `${ALIAS}/${version}`);
  }

  async deleteVersionAlias(version: string): Promise<void> {
    await this.#site.kms.send(new DeleteAliasCommand({ AliasName: `${ALIAS}/${version}` }));
  }

  async turnBucketKeyOff(version: string): Promise<void> {
    const key = await this.#keyOf(version);
    await this.#pointAt(key?.arn ?? '', false);
  }

  /** Types a command of `next`. Answers false where it is no command: a stated dead end. */
  async type(command: string): Promise<boolean> {
    // Nobody here keeps backups.
    const otherwise = /; without a backup: `([^`]+)`$/.exec(command)?.[1];
    if (otherwise !== undefined) return this.type(otherwise);
    const words = command
      .replace('<age identity file>', this.#site.identityFile)
      .replace(/ {3}\(.*$/, '')
      .split(/\s+/);
    const unbound = /, remove (v\d) from rotation\.lock\.json in a reviewed change, then rotate .*: (npx .*)$/.exec(
      command,
    );
    if (unbound) {
      this.#unbind(unbound[1] ?? '');
      return this.type(unbound[2] ?? '');
    }
    const KeyId = words[words.indexOf('--key-id') + 1];
    const { kms, identityFile } = this.#site;
    if (command.startsWith('npx cdktf deploy')) await this.#deploy(command.endsWith('-keys'));
    else if (command.startsWith('npx keyturn pre-apply') && !command.includes('--identity'))
      await this.#run(...words.slice(2), '--yes', '--identity', identityFile);
    else if (command === 'npx keyturn post-apply') await this.apply({ kind: 'post-apply' });
    else if (command.startsWith('npx keyturn propose ')) await this.#propose(words.slice(2));
    else if (command.startsWith('npx keyturn rollback')) await this.apply({ kind: 'roll back' });
    else if (command.startsWith('npx keyturn plan ')) await this.#deploy(false);
    else if (command.startsWith('npx keyturn ')) await this.#run(...words.slice(2), '--yes');
    else if (command.startsWith('aws kms enable-key')) await this.#try(() => kms.send(new EnableKeyCommand({ KeyId })));
    else if (command.startsWith('aws kms cancel-key-deletion'))
      await this.#try(() => kms.send(new CancelKeyDeletionCommand({ KeyId })));
    else if (command.includes('aws kms update-alias') || command.startsWith('aws kms create-alias')) {
      const [, AliasName, TargetKeyId] = /--alias-name (\S+) --target-key-id (\S+)/.exec(command) ?? [];
      await this.#moveAlias(TargetKeyId ?? '', AliasName);
    } else if (command.startsWith('mkdir -p ')) execFileSync('sh', ['-c', command]);
    else if (command.startsWith('write a later materialValidTo for ')) await this.#date(words[5] ?? '', inDays(90));
    else if (command.startsWith('aws kms delete-imported-key-material')) {
      const KeyMaterialId = words[words.indexOf('--key-material-id') + 1];
      await this.#try(() => kms.send(new DeleteImportedKeyMaterialCommand({ KeyId, KeyMaterialId })));
    } else if (command.startsWith('write activeVersion: ')) {
      const text = await this.#site.readRotation();
      await this.#site.declare(text.replace(/activeVersion: v\d/, `activeVersion: ${words[2]}`));
    } else return false;
    return true;
  }

  /** True where no command on earth restores service: a key that objects need is gone, or material that nobody has. */
  async isBeyondHelp(): Promise<boolean> {
    const { directory } = this.#site;
    for (const arn of this.#arns) if (!(await this.#describe(arn))) return true;
    for (const name of this.#names) {
      const key = await this.#keyOf(name);
      if (key === undefined) continue;
      const lost = await this.#lostMaterials(key.arn, name);
      if (lost.some((version) => version === undefined || !existsSync(this.#copyOf(version)))) return true;
    }
    return !existsSync(path.join(directory, 'custody'));
  }

  /** The versions of the material that a key needs and does not have; undefined for one that is nobody's. */
  async #lostMaterials(KeyId: string, name: string): Promise<readonly (string | undefined)[]> {
    const { Rotations = [] } = await this.#site.kms.send(
      new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }),
    );
    const lost = Rotations.filter((one) => one.ImportState === 'PENDING_IMPORT');
    if (this.#strategy === 'new-key') return lost.map(() => (this.#foreign.has(name) ? undefined : name));
    return lost.map(({ KeyMaterialDescription }) => this.#names.find((one) => KeyMaterialDescription?.endsWith(one)));
  }

  readonly #foreign = new Set<string>();
  readonly #copyOf = (version: string): string => this.#custodyFile(version, 'age');
  readonly #custodyFile = (version: string, kind: 'age' | 'record.json'): string =>
    path.join(this.#site.directory, 'custody', `rotation-test-${version}.${kind}`);

  async #try(call: () => Promise<unknown>): Promise<void> {
    await call().catch(() => undefined);
  }

  async #run(...args: readonly string[]): Promise<void> {
    const { exitCode, stderr } = await this.#site.run(...args);
    this.lastSaid = `${args[0]} ended with ${exitCode}: ${stderr.slice(-400)}`;
  }

  async #declare(days: number | undefined): Promise<void> {
    if (this.#names.length >= MOST_VERSIONS) return;
    const name = `v${this.#names.length + 1}`;
    this.#names.push(name);
    const text = await this.#site.readRotation();
    const date = days === undefined ? '' : `    materialValidTo: ${inDays(days)}\n`;
    await this.#site.declare(text.replace('activeVersion:', `  - name: ${name}\n${date}activeVersion:`));
    if (this.#strategy === 'new-key') await this.#declareKey(name);
  }

  /** The proposal is merged: a new version has its key, as the keys stack makes it. */
  async #propose(words: readonly string[]): Promise<void> {
    await this.#run(...words, '--yes', '--no-forecast');
    const declared = [...(await this.#site.readRotation()).matchAll(/- name: (v\d)/g)].map(([, name = '']) => name);
    for (const name of declared.filter((one) => !this.#names.includes(one))) {
      this.#names.push(name);
      if (this.#strategy === 'new-key') await this.#declareKey(name);
    }
  }

  /** The reviewed change is merged: the file binds that version to nothing. */
  #unbind(version: string): void {
    const file = path.join(this.#site.directory, 'rotation.lock.json');
    const lock = JSON.parse(readFileSync(file, 'utf8'));
    const versions = lock.versions.filter(({ name }: { name: string }) => name !== version);
    writeFileSync(file, JSON.stringify({ ...lock, versions }));
  }

  async #date(version: string, date: string): Promise<void> {
    const dated = new RegExp(`(- name: ${version}\\n {4}materialValidTo: ).*`);
    await this.#site.declare((await this.#site.readRotation()).replace(dated, `$1${date}`));
  }

  async #declareKey(version: string): Promise<string> {
    const keyArn = await this.#site.declareKey(version);
    this.#arns.push(keyArn);
    return keyArn;
  }

  /** Makes another version active in the file, and applies the storage stack if its guard would let it. */
  async #activate(step: 1 | -1): Promise<void> {
    const text = await this.#site.readRotation();
    const name = this.#names[this.#names.indexOf(activeIn(text)) + step];
    if (name === undefined) return;
    const key = await this.#keyOf(name);
    if (key?.state === 'Disabled' && step < 0) await this.#site.kms.send(new EnableKeyCommand({ KeyId: key.arn }));
    if ((await this.#keyOf(name))?.state !== 'Enabled') return;
    await this.#site.declare(text.replace(/activeVersion: v\d/, `activeVersion: ${name}`));
    await this.#deploy(false);
  }

  /** What Terraform would do: a key for each version that has none, or the pointers where the guard lets them. */
  async #deploy(isKeys: boolean): Promise<void> {
    if (isKeys) {
      const names = this.#strategy === 'new-key' ? this.#names : ['v1'];
      for (const name of names) if (!(await this.#keyOf(name))) await this.#declareKey(name);
      return;
    }
    const key = await this.#keyOf(activeIn(await this.#site.readRotation()));
    if (key?.state !== 'Enabled') return;
    await this.#moveAlias(key.arn);
    await this.#pointAt(key.arn);
  }

  async #moveAlias(TargetKeyId: string, AliasName = ALIAS): Promise<void> {
    const { kms } = this.#site;
    await kms
      .send(new UpdateAliasCommand({ AliasName, TargetKeyId }))
      .catch(() => this.#try(() => kms.send(new CreateAliasCommand({ AliasName, TargetKeyId }))));
  }

  async #keyOf(name: string): Promise<{ readonly arn: string; readonly state: string } | undefined> {
    const holder = this.#strategy === 'in-place' ? 'v1' : name;
    return this.#describe(`${ALIAS}/${holder}`);
  }

  async #describe(KeyId: string): Promise<{ readonly arn: string; readonly state: string } | undefined> {
    try {
      const { KeyMetadata } = await this.#site.kms.send(new DescribeKeyCommand({ KeyId }));
      return { arn: KeyMetadata?.Arn ?? '', state: KeyMetadata?.KeyState ?? '' };
    } catch {
      return undefined;
    }
  }

  async #pointAt(keyArn: string, BucketKeyEnabled = true): Promise<void> {
    const rule = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn },
      BucketKeyEnabled,
    } as const;
    const ServerSideEncryptionConfiguration = { Rules: [rule] };
    await this.#s3.send(new PutBucketEncryptionCommand({ Bucket: BUCKET, ServerSideEncryptionConfiguration }));
  }

  async #put(): Promise<void> {
    if (this.#objects < MOST_OBJECTS && (await this.#write(`object ${this.#objects}`))) this.#objects += 1;
  }

  async #write(Key: string): Promise<boolean> {
    return this.#s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Key })).then(
      () => true,
      () => false,
    );
  }

  async #isRead(Key: string): Promise<boolean> {
    try {
      const found = await this.#s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
      return (await found.Body?.transformToString()) === Key;
    } catch {
      return false;
    }
  }

  /** Of this process and of the endpoint, so that clients stay right. */
  #jump(milliseconds: number): void {
    this.#ahead += milliseconds;
    globalThis.Date = dateAhead(this.#ahead);
    this.#site.endpoint.clock.advance(milliseconds);
  }

  async #toVersion(kind: (typeof BY_HAND)[number], name: string | undefined): Promise<void> {
    const key = name === undefined ? undefined : await this.#keyOf(name);
    if (!key || name === undefined) return;
    const { kms, identityFile } = this.#site;
    const KeyId = key.arn;
    const calls: Readonly<Record<(typeof BY_HAND)[number], () => Promise<unknown>>> = {
      disable: () => kms.send(new DisableKeyCommand({ KeyId })),
      enable: () => kms.send(new EnableKeyCommand({ KeyId })),
      'delete material': () => this.#deleteMaterial(KeyId, name),
      'schedule deletion': () => kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 30 })),
      'cancel deletion': () => kms.send(new CancelKeyDeletionCommand({ KeyId })),
      'foreign import': () => this.#importForeign(KeyId, name),
      'move alias': () => this.#moveAlias(KeyId),
      'move default': () => this.#pointAt(KeyId),
      'lose custody': async () => rmSync(this.#copyOf(name), { force: true }),
      'lose record': async () => rmSync(this.#custodyFile(name, 'record.json'), { force: true }),
      extend: () => this.#run('extend', '--version', name, '--valid-days', '300', '--yes', '--identity', identityFile),
    };
    await this.#try(calls[kind]);
  }

  async #deleteMaterial(KeyId: string, name: string): Promise<void> {
    const { kms } = this.#site;
    const { Rotations = [] } = await kms.send(
      new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }),
    );
    const chosen = Rotations[this.#strategy === 'in-place' ? this.#names.indexOf(name) : 0] ?? Rotations[0];
    await kms.send(new DeleteImportedKeyMaterialCommand({ KeyId, KeyMaterialId: chosen?.KeyMaterialId }));
  }

  /** Somebody else is first to fill a key that waits, or in place rotates it to material of his own. */
  async #importForeign(KeyId: string, name: string): Promise<void> {
    const { kms } = this.#site;
    const forever = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } as const;
    if (this.#strategy === 'new-key') {
      await importMaterial(kms, KeyId, randomBytes(32), forever);
      this.#foreign.add(name);
      return;
    }
    await importMaterial(kms, KeyId, randomBytes(32), { ...forever, ImportType: 'NEW_KEY_MATERIAL' });
    await kms.send(new RotateKeyOnDemandCommand({ KeyId }));
  }
}

const activeIn = (text: string): string => /activeVersion: (v\d)/.exec(text)?.[1] ?? 'v1';
