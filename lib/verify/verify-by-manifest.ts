import { randomUUID } from 'node:crypto';
import {
  cancelManifestJobs,
  type GeneratedManifest,
  type GeneratedManifestTools,
  generateManifest,
} from '../batch/generated-manifest';
import type { JobPlace, JobSpec } from '../batch/job-spec';
import { type MetadataFile, metadataKey, metadataRows } from '../batch/metadata-rows';
import { BoundedList } from '../reencrypt/outcome';
import { isKey, type ListedVersion } from '../s3/object-version';
import type { ObjectStore } from '../s3/store';
import {
  type BucketVerification,
  type Disagreement,
  type VerifyRequest,
  verificationFault,
  verifyBucket,
} from './bucket-verification';
import { controlObject } from './control-object';
import { type Beginning, VersionScanner } from './version-scanner';

export interface SourcesTools extends GeneratedManifestTools {
  readonly store: ObjectStore;
}

export interface SourcesRequest extends VerifyRequest {
  /** Name of the rotation. */
  readonly rotation: string;
  /** Full ARNs of the keys that are to be empty. */
  readonly supersededKeyArns: readonly string[];
  readonly place: JobPlace;
  /** True: the team declares that nobody writes meanwhile, without which a bucket with versions is looked at whole. */
  readonly noConcurrentWrites: boolean;
  /** Keys that other sources name, each with the source's name: all versions of them are looked at. */
  readonly named?: ReadonlyMap<string, string> | undefined;
  /** Versions that are looked at beside those that must be, taken at random. Default 1,000. */
  readonly sample?: number | undefined;
  /** Called with the specification of each job before it is created; see {@link generateManifest}. */
  readonly onSpec?: ((spec: JobSpec) => Promise<void>) | undefined;
  /** Milliseconds until a job is looked at again: at first, and at the most. Default 500 and 30,000. */
  readonly poll?: { readonly firstMs?: number | undefined; readonly mostMs?: number | undefined } | undefined;
}

/** LastModified has whole seconds, and the clocks of S3's machines need not agree to the second. */
const SLACK = 5_000;
/** Keys that generated manifests may name: with more, there is so much left that every version is worth a look. */
const MOST_NAMED = 1_000_000;
const DEFAULT_SAMPLE = 1_000;

/**
 * Looks at what the sources leave open, and at a sample of the rest. S3 lists what is under each superseded key; an object
 * that it does not name, and that was not written since, is taken to be under none of them. A HEAD goes to every other one:
 * noncurrent, written since the manifests were begun, coming of an open upload, named by any source.
 *
 * The manifests are believed only where S3 first names an object that is known to be under the active key, and where no
 * object of the sample contradicts them. Otherwise, and in a bucket with versions whose writers are not paused, every version
 * is looked at: there an old version can become current again, with its old date, after S3 listed the one above it.
 *
 * @throws as {@link verifyBucket}, and what {@link generateManifest} throws
 */
export async function verifyBySources(tools: SourcesTools, request: SourcesRequest): Promise<BucketVerification> {
  try {
    await cancelManifestJobs(tools.cleanUp, request.rotation, request.bucket);
    const found = await new SourcesVerification(tools, request).run();
    if ('covers' in found) return found;
    const whole = await verifyBucket(tools.store, request);
    return { ...whole, sources: { ...whole.sources, ...found } };
  } catch (error) {
    throw verificationFault(error, request);
  }
}

/** Why the sources are not enough, and what came of them. */
interface NotEnough {
  readonly because: string;
  readonly generated: readonly GeneratedManifest[];
  readonly metadata: MetadataFile | undefined;
  readonly disagreements: readonly Disagreement[];
  readonly disagreementsTotal: number;
}

class SourcesVerification {
  readonly #tools: SourcesTools;
  readonly #request: SourcesRequest;
  readonly #looking: VersionScanner;
  /** Key → the key ARN that a generated manifest says it is under. */
  readonly #named = new Map<string, string>();
  /** Key → the key ARN that S3 Metadata says it is under. */
  readonly #inMetadata = new Map<string, string>();
  #metadata: MetadataFile | undefined;
  readonly #generated: GeneratedManifest[] = [];
  readonly #disagreements = new BoundedList<Disagreement>();
  readonly #sample: ListedVersion[] = [];
  #offered = 0;
  /** Milliseconds; what was written since the manifests may name or not. */
  #since = Number.NEGATIVE_INFINITY;
  #uploadKeys: ReadonlySet<string> = new Set();
  #contradiction: string | undefined;

  constructor(tools: SourcesTools, request: SourcesRequest) {
    this.#tools = tools;
    this.#request = request;
    this.#looking = new VersionScanner(tools.store, request, (listed, label) => this.#compare(listed, label));
  }

  async run(): Promise<BucketVerification | NotEnough> {
    const begun = await this.#looking.begin();
    this.#since = begun.at - SLACK;
    this.#uploadKeys = new Set(begun.uploads.first.map((upload) => upload.key));
    const before = this.#unfit(begun) ?? (await this.#tryFilter());
    if (before !== undefined) return this.#notEnough(before);
    await this.#listByS3();
    await this.#readMetadata();
    if (this.#named.size + this.#inMetadata.size > MOST_NAMED) {
      return this.#notEnough(`the sources name more than ${MOST_NAMED} keys`);
    }
    const listed = await this.#looking.scanListing((version) => this.#pick(version));
    await this.#looking.scan(this.#sample, 'sample');
    if (this.#contradiction !== undefined) return this.#notEnough(this.#contradiction);
    return this.#looking.report(begun, listed, this.#request.supersededKeyArns, {
      because: undefined,
      ...this.#account(),
    });
  }

  /** What speaks against the sources before any is asked. */
  #unfit({ versioning, uploads }: Beginning): string | undefined {
    if (versioning !== 'unversioned' && !this.#request.noConcurrentWrites) {
      return 'the bucket has versions, and its writers are not paused: a version could become current again unseen';
    }
    if (uploads.total > uploads.first.length)
      return `${uploads.total} uploads are open, of which not all are kept in mind`;
    return undefined;
  }

  /** A filter that matched nothing would look like an empty key: so it must find something that is there. */
  async #tryFilter(): Promise<string | undefined> {
    const { activeKeyArn } = this.#request;
    const control = await controlObject(this.#looking, activeKeyArn);
    if (control === undefined) return 'no object under the active key was found to try S3’s filter on';
    let isNamed = false;
    const made = await this.#manifest(activeKeyArn, 'SSE-KMS', control, (key) => {
      isNamed ||= key === control;
    });
    this.#generated.push(made);
    if (isNamed) return undefined;
    return `S3 did not name ${JSON.stringify(control)}, which is under the active key, in a manifest of that key`;
  }

  async #listByS3(): Promise<void> {
    const asked = this.#request.supersededKeyArns.flatMap((keyArn) =>
      (['SSE-KMS', 'DSSE-KMS'] as const).map((layers) =>
        this.#manifest(keyArn, layers, undefined, (key) => {
          if (this.#named.size <= MOST_NAMED) this.#named.set(key, keyArn);
        }),
      ),
    );
    // Each cancels its job when it is read: all have to end before the first failure is told.
    const ends = await Promise.allSettled(asked);
    for (const end of ends) {
      if (end.status === 'rejected') throw end.reason;
      this.#generated.push(end.value);
    }
  }

  async #readMetadata(): Promise<void> {
    const { bucket, place, supersededKeyArns } = this.#request;
    const key = metadataKey(place.prefix, bucket);
    this.#metadata = await metadataRows(this.#tools.files, { key, bucket }, (row) => {
      const under = supersededKeyArns.find((keyArn) => row.keyArn !== undefined && isKey(row.keyArn, keyArn));
      if (under !== undefined && this.#inMetadata.size <= MOST_NAMED) this.#inMetadata.set(row.key, under);
    });
  }

  #manifest(
    underKeyArn: string,
    layers: 'SSE-KMS' | 'DSSE-KMS',
    prefix: string | undefined,
    onKey: (key: string) => void,
  ): Promise<GeneratedManifest> {
    const { rotation, bucket, activeKeyArn, place, signal, poll, onProgress, onSpec } = this.#request;
    onProgress?.(`${bucket}: S3 lists what is under ${underKeyArn} (${layers})`);
    const nonce = randomUUID();
    const request = { rotation, bucket, underKeyArn, layers, activeKeyArn, place, nonce, prefix, signal, poll, onSpec };
    return generateManifest(this.#tools, request, ({ keys }) => keys.forEach(onKey));
  }

  #pick(version: ListedVersion): string | undefined {
    if (!version.isLatest) return 'noncurrent';
    if (version.lastModified >= this.#since) return 'written since the manifests were begun';
    if (this.#uploadKeys.has(version.key)) return 'of an upload that was open';
    if (this.#named.has(version.key)) return 'named by a generated manifest';
    if (this.#inMetadata.has(version.key)) return 'named by S3 Metadata';
    const source = this.#request.named?.get(version.key);
    if (source !== undefined) return source;
    this.#offer(version);
    return undefined;
  }

  /** A fair sample of a stream of unknown length: reservoir sampling. */
  #offer(version: ListedVersion): void {
    const { sample = DEFAULT_SAMPLE } = this.#request;
    this.#offered += 1;
    if (this.#sample.length < sample) {
      this.#sample.push(version);
      return;
    }
    const at = Math.floor(Math.random() * this.#offered);
    if (at < sample) this.#sample[at] = version;
  }

  /** Holds what the generated manifests say against a HEAD. Of what they need not know they say nothing. */
  #compare({ key, versionId, isLatest, lastModified }: ListedVersion, label: string): void {
    const said = this.#named.get(key);
    const inMetadata = this.#inMetadata.get(key);
    const isTold = isLatest && lastModified < this.#since && !this.#uploadKeys.has(key);
    const under = this.#request.supersededKeyArns.find((keyArn) => isUnder(label, keyArn));
    if (inMetadata !== undefined && inMetadata !== under) {
      this.#disagreements.add({ key, versionId, source: 'S3 Metadata', said: inMetadata, found: label });
    }
    if (said === under || (said === undefined && !isTold)) return;
    const source = 'generated manifest';
    this.#disagreements.add({ key, versionId, source, said: said ?? 'under no superseded key', found: label });
    if (said === undefined) this.#contradiction = `${JSON.stringify(key)} is under ${under}, and no manifest named it`;
  }

  #account(): Omit<NotEnough, 'because'> {
    const { first, total } = this.#disagreements;
    return { generated: this.#generated, metadata: this.#metadata, disagreements: first, disagreementsTotal: total };
  }

  #notEnough(because: string): NotEnough {
    this.#request.onProgress?.(`${this.#request.bucket}: looking at every version: ${because}`);
    return { because, ...this.#account() };
  }
}

/** `DSSE:<arn>` is a second layer under the same key. */
function isUnder(label: string, keyArn: string): boolean {
  return isKey(label.replace(/^DSSE:/, ''), keyArn);
}
