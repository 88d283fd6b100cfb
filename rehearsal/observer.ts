import { DescribeKeyCommand, type KeyMetadata, ListAliasesCommand } from '@aws-sdk/client-kms';
import {
  GetBucketEncryptionCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { ListJobsCommand } from '@aws-sdk/client-s3-control';
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { loadRotation } from '../lib/rotation/rotation-file';
import { LEFT_BEHIND_KEY } from './buckets';
import { useAsGuests } from './guests';
import { download, isDigest, type SeenVersion, seeVersions } from './objects';
import type { Stage } from './stage';

const NAMES = { reader: "reader's role", delivery: 'log delivery', partner: 'other account' };

/** Reads AWS through ordinary clients, and records the observations under their proof. */
export class Observer {
  readonly #stage: Stage;
  readonly #remembered = new Map<string, readonly SeenVersion[]>();
  readonly #digests = new Map<string, Readonly<Record<string, string>>>();
  #probes = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async newKey(version: string): Promise<void> {
    const { KeyState, Origin, Enabled } = await this.#describe(version);
    this.#saw(
      1,
      `${version} as declared`,
      { KeyState: 'PendingImport', Origin: 'EXTERNAL', Enabled: false },
      { KeyState, Origin, Enabled },
    );
  }

  async imported(version: string, validTo: Date | undefined): Promise<void> {
    const { KeyState, Origin, ExpirationModel, ValidTo } = await this.#describe(version);
    const model = validTo ? 'KEY_MATERIAL_EXPIRES' : 'KEY_MATERIAL_DOES_NOT_EXPIRE';
    this.#saw(3, `${version} after the import`, ['Enabled', 'EXTERNAL', model], [KeyState, Origin, ExpirationModel]);
    this.#saw(3, `${version} valid to`, validTo?.toISOString() ?? null, ValidTo?.toISOString() ?? null);
  }

  /** The expiry that the rotation file declares for a version. */
  async declaredExpiry(version: string): Promise<Date | undefined> {
    const rotation = await loadRotation(this.#stage.rotationFile, { now: new Date() });
    return rotation.keyVersions.find((one) => one.name === version)?.materialValidTo;
  }

  async pointsAt(version: string): Promise<void> {
    const { alias, buckets } = this.#stage.sample;
    const targets = await this.#aliases();
    const arn = await this.keyArn(version);
    this.#saw(2, `${alias} points at ${version}`, arn, this.#arnOf(arn, targets.get(alias)));
    this.#saw(2, `${alias}/${version} names the same key`, targets.get(alias), targets.get(`${alias}/${version}`));
    for (const { name } of buckets) this.#saw(5, `${name} default`, ['aws:kms', arn], await this.#bucketDefault(name));
  }

  async newObjectLandsUnder(proof: number, version: string): Promise<void> {
    const arn = await this.keyArn(version);
    for (const { name } of this.#stage.sample.buckets) {
      this.#probes += 1;
      const reference = { Bucket: name, Key: `probe-${this.#probes}` };
      await this.#stage.s3.send(new PutObjectCommand({ ...reference, Body: 'no header names a key' }));
      const { SSEKMSKeyId } = await this.#stage.s3.send(new HeadObjectCommand(reference));
      this.#saw(proof, `a new object in ${name} is under ${version}`, arn, SSEKMSKeyId);
    }
  }

  async switched(): Promise<void> {
    const { alias, buckets } = this.#stage.sample;
    const [before, after] = [await this.keyArn('v1'), await this.keyArn('v2')];
    this.#saw(6, `${alias} points at v2`, after, this.#arnOf(after, (await this.#aliases()).get(alias)));
    for (const { name } of buckets) {
      this.#saw(6, `${name} default`, ['aws:kms', after], await this.#bucketDefault(name));
      const old = await seeVersions(this.#stage.s3, name);
      this.#saw(6, `${name}: old objects are still under v1`, [before], [...new Set(old.map((one) => one.keyArn))]);
    }
    await this.pointsAt('v2');
    await this.newObjectLandsUnder(6, 'v2');
  }

  async guestsCan(version: string): Promise<void> {
    await this.#guestsMeet(version, 'allowed');
  }

  async guestsCannot(version: string): Promise<void> {
    await this.#guestsMeet(version, 'AccessDenied');
  }

  async #guestsMeet(version: string, expected: string): Promise<void> {
    for (const { who, what, outcome } of await useAsGuests(this.#stage, await this.keyArn(version)))
      this.#saw(11, `the ${NAMES[who]} ${what} under ${version}`, expected, outcome);
  }

  /** The switch names each of those who would be locked out, as CloudTrail shows them. */
  lockoutRefused(named: readonly string[]): void {
    const { reader, delivery, partner } = this.#stage.guests;
    const expected = [reader, delivery.service, `account ${partner.arn.split(':')[4]}`];
    this.#saw(11, 'the switch refuses, and names', expected.toSorted(), named.toSorted());
  }

  /** ARN of the access key of the rehearsal. */
  async ownArn(): Promise<string> {
    return (await this.#stage.sts.send(new GetCallerIdentityCommand({}))).Arn ?? '';
  }

  async rememberObjects(): Promise<void> {
    for (const { name } of this.#stage.sample.buckets) {
      const seen = await seeVersions(this.#stage.s3, name);
      this.#remembered.set(name, seen);
      this.#digests.set(name, await download(this.#stage.s3, name, seen));
    }
  }

  async everythingMoved(): Promise<void> {
    const arn = await this.keyArn('v2');
    for (const [name, before] of this.#remembered) {
      const after = await seeVersions(this.#stage.s3, name);
      const moved = after.filter((one) => one.keyArn === arn).length;
      this.#saw(7, `${name}: object versions under v2`, before.length, moved);
      this.#saw(7, `${name}: ETag, dates, metadata, tags and class`, before.map(unkeyed), after.map(unkeyed));
    }
  }

  /** The jobs as S3 reports them: one complete job per bucket without failed tasks. */
  async movedByJobs(): Promise<void> {
    const { s3Control, sts, sample } = this.#stage;
    const { Account: AccountId } = await sts.send(new GetCallerIdentityCommand({}));
    const { Jobs = [] } = await s3Control.send(new ListJobsCommand({ AccountId, JobStatuses: ['Complete'] }));
    const active = await this.keyArn('v2');
    for (const { name } of sample.buckets) {
      // No job is for what was written under v2 already.
      const before = this.#remembered.get(name) ?? [];
      const versions = before.filter(({ keyArn }) => keyArn !== active).length;
      const ended = Jobs.filter(({ Description }) => Description?.includes(` ${name} `));
      const tasks = ended.map(({ ProgressSummary: summary }) => [
        summary?.NumberOfTasksSucceeded,
        summary?.NumberOfTasksFailed,
      ]);
      this.#saw(7, `${name}: tasks of the job that succeeded and failed`, [[versions, 0]], tasks);
    }
  }

  async gateRefused(reasons: readonly string[]): Promise<void> {
    this.#saw(9, 'reasons of the gate', ['objects-left'], reasons);
    this.#saw(9, 'v1 after the refusal', 'Enabled', (await this.#describe('v1')).KeyState);
  }

  /** The readers read what they read before, in a session that is denied v1; one that is denied v2 reads nothing. */
  async readersNeedNoV1(): Promise<void> {
    const { readers } = this.#stage;
    if (readers === undefined) return;
    for (const [name, before] of this.#digests) {
      const seen = this.#remembered.get(name) ?? [];
      const read = async (version: string) => download(await this.#readersDenied(readers, version), name, seen);
      this.#saw(
        8,
        `${name}: SHA-256 of ${seen.length} downloads by ${readers}, which is denied v1`,
        before,
        await read('v1'),
      );
      const readable = Object.values(await read('v2')).filter(isDigest).length;
      this.#saw(8, `${name}: downloads by ${readers}, which is denied v2`, 0, readable);
    }
  }

  async everythingDownloads(): Promise<void> {
    this.#saw(8, 'v1', 'Disabled', (await this.#describe('v1')).KeyState);
    for (const [name, before] of this.#digests) {
      const seen = this.#remembered.get(name) ?? [];
      this.#saw(8, `${name}: SHA-256 of ${seen.length} downloads`, before, await download(this.#stage.s3, name, seen));
      const refused = Object.values(before).filter((digest) => !isDigest(digest));
      this.#saw(8, `${name}: downloads that were refused before`, [], refused);
    }
  }

  async leftBehindIsLost(bucket: string): Promise<void> {
    const command = new GetObjectCommand({ Bucket: bucket, Key: LEFT_BEHIND_KEY });
    const answer = await this.#stage.s3.send(command).then(
      () => 'downloaded',
      (error: Error) => error.name,
    );
    this.#saw(9, `${LEFT_BEHIND_KEY} in ${bucket}`, 'KMS.DisabledException', answer);
  }

  async plansAreEmpty(when: string): Promise<void> {
    await this.#stage.stopwatch.measure('keyturn', () =>
      this.#stage.perform('plan', async ({ workspace }) => {
        for (const stack of ['keys', 'storage'] as const) {
          const { changes } = await workspace.plan(stack);
          this.#saw(10, `${stack} stack ${when}`, 'no changes', changes ? 'changes' : 'no changes');
        }
      }),
    );
  }

  async #readersDenied(RoleArn: string, version: string): Promise<S3Client> {
    const Statement = [
      { Effect: 'Allow', Action: ['s3:GetObject', 's3:GetObjectVersion', 'kms:Decrypt'], Resource: '*' },
      { Effect: 'Deny', Action: 'kms:*', Resource: await this.keyArn(version) },
    ];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    const command = new AssumeRoleCommand({ RoleArn, RoleSessionName: `without-${version}`, Policy });
    const { Credentials } = await this.#stage.sts.send(command);
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {};
    return this.#stage.s3As({
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    });
  }

  async keyArn(version: string): Promise<string> {
    return (await this.#describe(version)).Arn ?? '';
  }

  async #describe(version: string): Promise<KeyMetadata> {
    const KeyId = `${this.#stage.sample.alias}/${version}`;
    const { KeyMetadata } = await this.#stage.kms.send(new DescribeKeyCommand({ KeyId }));
    if (!KeyMetadata) throw new Error(`KMS describes ${KeyId} without metadata`);
    return KeyMetadata;
  }

  /** Target key IDs by alias name, from the list rather than from a lookup by name. */
  async #aliases(): Promise<ReadonlyMap<string, string>> {
    const { Aliases } = await this.#stage.kms.send(new ListAliasesCommand({ Limit: 100 }));
    return new Map((Aliases ?? []).map((one) => [one.AliasName ?? '', one.TargetKeyId ?? '']));
  }

  #arnOf(arn: string, keyId: string | undefined): string {
    return keyId !== undefined && arn.endsWith(`:key/${keyId}`) ? arn : `key ${keyId}`;
  }

  async #bucketDefault(bucket: string): Promise<readonly (string | undefined)[]> {
    const answer = await this.#stage.s3.send(new GetBucketEncryptionCommand({ Bucket: bucket }));
    const applied = answer.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
    return [applied?.SSEAlgorithm, applied?.KMSMasterKeyID];
  }

  #saw(proof: number, what: string, expected: unknown, observed: unknown): void {
    this.#stage.proofs.saw(proof, what, expected, observed);
  }
}

/** An object version without its key: everything that a rewrap must not change. */
function unkeyed({ key, versionId, kept }: SeenVersion): unknown {
  return { key, versionId, kept };
}
