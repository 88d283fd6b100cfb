import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  ListKeyRotationsCommand,
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
import { SLOW } from '../runner/slow';
import { type CustodySite, inDays, openCustodySite } from '../support/custody-site';
import { rotationText } from '../support/keyturn-process';

/**
 * Histories of a rotation over years, with operators who disable keys, delete material and schedule deletions. Whenever a read or a write of
 * the bucket fails, status is not green, and typing what `next` says ends in service, or in a dead end that is stated.
 */
const HISTORIES = SLOW ? 2000 : 2;
const EVENTS = SLOW ? 40 : 10;
const DAY = 86_400_000;
const BUCKET = 'kms-key-rotation-test-bucket';
const ALIAS = 'alias/rotation-test-key';
jest.setTimeout(SLOW ? 86_400_000 : 180_000);

type Strategy = 'new-key' | 'in-place';
type Event =
  | { readonly kind: 'declare'; readonly days: number | undefined }
  | { readonly kind: 'import' | 'switch' | 'post-apply' | 'put' | 'roll back' }
  | { readonly kind: 'disable' | 'enable' | 'delete material' | 'schedule deletion'; readonly version: number }
  | { readonly kind: 'jump'; readonly days: number };

const plain = (kind: 'import' | 'switch' | 'post-apply' | 'put' | 'roll back') => fc.constant<Event>({ kind });
const byHand = (kind: 'disable' | 'enable' | 'delete material' | 'schedule deletion') =>
  fc.record({ kind: fc.constant(kind), version: fc.nat({ max: 2 }) });
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('declare' as const), days: fc.constantFrom(undefined, 90, 300) }),
  },
  { weight: 3, arbitrary: plain('import') },
  { weight: 3, arbitrary: plain('switch') },
  { weight: 2, arbitrary: plain('post-apply') },
  { weight: 2, arbitrary: plain('put') },
  { weight: 1, arbitrary: plain('roll back') },
  { weight: 1, arbitrary: byHand('disable') },
  { weight: 1, arbitrary: byHand('enable') },
  { weight: 1, arbitrary: byHand('delete material') },
  { weight: 1, arbitrary: byHand('schedule deletion') },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('jump' as const), days: fc.constantFrom(5, 40, 120, 400) }) },
);

/** A rotation, its bucket, and whoever works on it. */
class World {
  readonly #site: CustodySite;
  readonly #s3: S3Client;
  readonly #strategy: Strategy;
  readonly #names = ['v1'];
  #objects = 0;

  private constructor(site: CustodySite, s3: S3Client, strategy: Strategy) {
    this.#site = site;
    this.#s3 = s3;
    this.#strategy = strategy;
  }

  static async open(strategy: Strategy): Promise<World> {
    const site = await openCustodySite();
    const { url, region, accessKey: credentials } = site.endpoint;
    const s3 = new S3Client({ endpoint: url, region, credentials, forcePathStyle: true });
    const CreateBucketConfiguration = { LocationConstraint: region as 'eu-west-1' };
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration }));
    await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }));
    const world = new World(site, s3, strategy);
    const keyArn = await site.declareKey('v1');
    await site.declare(rotationText(['v1'], 'v1', strategy === 'in-place' ? 'strategy: in-place\n' : ''));
    await world.#run('pre-apply', '--yes');
    await site.kms.send(new CreateAliasCommand({ AliasName: ALIAS, TargetKeyId: keyArn }));
    await world.#pointAt(keyArn);
    await world.apply({ kind: 'put' });
    return world;
  }

  async close(): Promise<void> {
    jest.useRealTimers();
    this.#s3.destroy();
    await this.#site.close();
  }

  async apply(event: Event): Promise<void> {
    switch (event.kind) {
      case 'declare':
        return this.#declare(event.days);
      case 'import':
        return this.#run('pre-apply', '--yes', '--identity', this.#site.identityFile);
      case 'post-apply':
        return this.#run('post-apply', '--yes', '--relist-delay', '0s');
      case 'switch':
        return this.#activate(1);
      case 'roll back':
        return this.#strategy === 'in-place' ? undefined : this.#activate(-1);
      case 'put':
        return this.#put();
      case 'jump':
        return this.#jump(event.days * DAY);
      default:
        return this.#byHand(event.kind, event.version);
    }
  }

  /** Every object can be read, and a new one written. */
  async works(): Promise<boolean> {
    try {
      for (let index = 0; index < this.#objects; index += 1) {
        const found = await this.#s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: `object ${index}` }));
        await found.Body?.transformToString();
      }
      await this.#s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'probe', Body: 'probe' }));
      return true;
    } catch {
      return false;
    }
  }

  async status(): Promise<{ readonly exitCode: number; readonly next: { readonly command: string } | undefined }> {
    const { exitCode, stdout } = await this.#site.run('status', '--detailed-exitcode', '--json');
    return { exitCode, next: JSON.parse(stdout).next };
  }

  /** Types a command of `next`. Answers false where it is no command: a stated dead end. */
  async type(command: string): Promise<boolean> {
    const words = command
      .replace('<age identity file>', this.#site.identityFile)
      .replace(/ {3}\(.*$/, '')
      .split(/\s+/);
    const KeyId = words[words.indexOf('--key-id') + 1];
    if (command.startsWith('npx cdktf deploy')) await this.#deploy(command.endsWith('-keys'));
    else if (command.startsWith('npx keyturn pre-apply') && !command.includes('--identity'))
      await this.#run(...words.slice(2), '--yes', '--identity', this.#site.identityFile);
    else if (command.startsWith('npx keyturn ')) await this.#run(...words.slice(2), '--yes');
    else if (command.startsWith('aws kms enable-key'))
      await this.#try(() => this.#site.kms.send(new EnableKeyCommand({ KeyId })));
    else if (command.startsWith('aws kms cancel-key-deletion'))
      await this.#try(() => this.#site.kms.send(new CancelKeyDeletionCommand({ KeyId })));
    else return false;
    return true;
  }

  async #try(call: () => Promise<unknown>): Promise<void> {
    await call().catch(() => undefined);
  }

  async #run(...args: readonly string[]): Promise<void> {
    await this.#site.run(...args);
  }

  async #declare(days: number | undefined): Promise<void> {
    if (this.#names.length >= 3) return;
    const name = `v${this.#names.length + 1}`;
    this.#names.push(name);
    const text = await this.#site.readRotation();
    const date = days === undefined ? '' : `    materialValidTo: ${inDays(days)}\n`;
    await this.#site.declare(text.replace('activeVersion:', `  - name: ${name}\n${date}activeVersion:`));
    if (this.#strategy === 'new-key') await this.#site.declareKey(name);
  }

  /** Makes another version active in the file, and applies the storage stack if its guard would let it. */
  async #activate(step: 1 | -1): Promise<void> {
    const text = await this.#site.readRotation();
    const active = /activeVersion: (v\d)/.exec(text)?.[1] ?? 'v1';
    const name = this.#names[this.#names.indexOf(active) + step];
    if (name === undefined) return;
    const key = await this.#keyOf(name);
    if (key?.state === 'Disabled' && step < 0) await this.#site.kms.send(new EnableKeyCommand({ KeyId: key.arn }));
    if ((await this.#keyOf(name))?.state !== 'Enabled') return;
    await this.#site.declare(text.replace(/activeVersion: v\d/, `activeVersion: ${name}`));
    await this.#deploy(false);
  }

  async #deploy(isKeys: boolean): Promise<void> {
    if (isKeys) return;
    const active = /activeVersion: (v\d)/.exec(await this.#site.readRotation())?.[1] ?? 'v1';
    const key = await this.#keyOf(active);
    if (key?.state !== 'Enabled') return;
    await this.#site.kms.send(new UpdateAliasCommand({ AliasName: ALIAS, TargetKeyId: key.arn }));
    await this.#pointAt(key.arn);
  }

  async #keyOf(name: string): Promise<{ readonly arn: string; readonly state: string } | undefined> {
    const holder = this.#strategy === 'in-place' ? 'v1' : name;
    try {
      const { KeyMetadata } = await this.#site.kms.send(new DescribeKeyCommand({ KeyId: `${ALIAS}/${holder}` }));
      return { arn: KeyMetadata?.Arn ?? '', state: KeyMetadata?.KeyState ?? '' };
    } catch {
      return undefined;
    }
  }

  async #pointAt(keyArn: string): Promise<void> {
    const rule = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn },
      BucketKeyEnabled: true,
    } as const;
    const ServerSideEncryptionConfiguration = { Rules: [rule] };
    await this.#s3.send(new PutBucketEncryptionCommand({ Bucket: BUCKET, ServerSideEncryptionConfiguration }));
  }

  async #put(): Promise<void> {
    const Key = `object ${this.#objects}`;
    await this.#s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Key })).then(
      () => {
        this.#objects += 1;
      },
      () => undefined,
    );
  }

  #jump(milliseconds: number): void {
    const doNotFake = [
      ...(['nextTick', 'setImmediate', 'clearImmediate', 'setInterval', 'clearInterval', 'setTimeout'] as const),
      ...(['clearTimeout', 'queueMicrotask', 'performance', 'hrtime'] as const),
    ];
    jest.useFakeTimers({ now: Date.now() + milliseconds, doNotFake: [...doNotFake] });
    this.#site.endpoint.clock.advance(milliseconds);
  }

  async #byHand(kind: 'disable' | 'enable' | 'delete material' | 'schedule deletion', version: number): Promise<void> {
    const name = this.#names[version];
    const key = name === undefined ? undefined : await this.#keyOf(name);
    if (!key) return;
    const { kms } = this.#site;
    const KeyId = key.arn;
    const calls = {
      disable: () => kms.send(new DisableKeyCommand({ KeyId })),
      enable: () => kms.send(new EnableKeyCommand({ KeyId })),
      'delete material': async () => {
        const { Rotations = [] } = await kms.send(
          new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }),
        );
        const chosen = Rotations[this.#strategy === 'in-place' ? version : 0] ?? Rotations[0];
        await kms.send(new DeleteImportedKeyMaterialCommand({ KeyId, KeyMaterialId: chosen?.KeyMaterialId }));
      },
      'schedule deletion': () => kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 30 })),
    };
    await this.#try(calls[kind]);
  }
}

/** Types what `next` says to its end. */
async function follow(world: World): Promise<'nothing left' | 'dead end' | `loop: ${string}`> {
  const typed: string[] = [];
  while (typed.length < 16) {
    const { next } = await world.status();
    if (!next) return 'nothing left';
    typed.push(next.command);
    if (!(await world.type(next.command))) return 'dead end';
  }
  return `loop: ${typed.slice(-4).join(' · ')}`;
}

it.each<Strategy>(['new-key', 'in-place'])(
  'is never green over a bucket that fails, with strategy %s',
  async (strategy) => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 3, maxLength: EVENTS }), async (events) => {
        const world = await World.open(strategy);
        try {
          for (const one of events) await world.apply(one);
          const before = await world.works();
          if (!before) expect((await world.status()).exitCode).not.toBe(0);
          const end = await follow(world);
          expect(end).not.toMatch(/^loop/);
          if (end === 'nothing left') expect(await world.works()).toBe(true);
        } finally {
          await world.close();
        }
      }),
      { numRuns: HISTORIES },
    );
  },
);
