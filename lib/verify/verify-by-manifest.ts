import { BoundedList } from '../s3/bounded-list';
import { isKey, type ListedVersion } from '../s3/object-version';
import type { ObjectStore } from '../s3/store';
import type { BucketVerification, Disagreement, VerificationStart, VerifyRequest } from './bucket-verification';
import { controlObject } from './control-object';
import type { KeyListing, Layers, ListUnderKey } from './key-listing';
import { RandomSample } from './random-sample';
import { verificationFault, verifyBucket } from './verify-bucket';
import { VersionScanner } from './version-scanner';

export interface ManifestVerifyRequest extends VerifyRequest {
  /** Full ARNs of the keys that are to be empty. */
  readonly supersededKeyArns: readonly string[];
  /** True: the team declares that nobody writes meanwhile. Otherwise every version of a versioned bucket is inspected. */
  readonly noConcurrentWrites: boolean;
  /** Keys that other sources name, each with the source's name: all their versions are inspected. */
  readonly named?: ReadonlyMap<string, string> | undefined;
  /** Versions that are inspected in addition, chosen at random. Default 1,000. */
  readonly sample?: number | undefined;
}

/** Milliseconds: LastModified has whole seconds, and the clocks of S3's machines may differ by some. */
const CLOCK_TOLERANCE = 5_000;
/** Keys that generated manifests may name: above it so much is left that every version is inspected. */
const MAX_NAMED = 1_000_000;
const DEFAULT_SAMPLE = 1_000;

/**
 * Inspects what S3's own lists leave open, and a sample of the rest. S3 lists what is under each superseded key; an object
 * that it does not name, and that was not written since, counts as under none of them. Every other version gets a HEAD:
 * noncurrent, written since the lists were requested, created by an open upload, named by any source.
 *
 * S3 lists twice, before our own listing and after it. What a rewrap by somebody else or a replication puts under an
 * old key bears an old date: only the second list names it. It then takes a HEAD of every version.
 *
 * The lists are accepted only where S3 first names an object that is known to be under the active key, and where no
 * object of the sample contradicts them. Otherwise, and in a versioned bucket that may have concurrent writes, every
 * version is inspected. There an old version can become current again, with its old date, after S3 listed the one above
 * it.
 *
 * @throws as {@link verifyBucket}, and what `listUnderKey` rejects with
 */
export async function verifyByManifest(
  store: ObjectStore,
  listUnderKey: ListUnderKey,
  request: ManifestVerifyRequest,
): Promise<BucketVerification> {
  try {
    const found = await new ManifestVerification(store, listUnderKey, request).run();
    if ('covers' in found) return found;
    const whole = await verifyBucket(store, request);
    return { ...whole, sources: { ...whole.sources, ...found } };
  } catch (error) {
    throw verificationFault(error, request);
  }
}

/** Why the lists are not enough, and what they reported. */
interface NotEnough {
  readonly because: string;
  readonly generated: readonly KeyListing[];
  readonly disagreements: readonly Disagreement[];
  readonly disagreementsTotal: number;
}

class ManifestVerification {
  readonly #listUnderKey: ListUnderKey;
  readonly #request: ManifestVerifyRequest;
  readonly #scanner: VersionScanner;
  /** Key → the key ARN that a generated manifest places it under. */
  readonly #named = new Map<string, string>();
  /** Named keys whose current version a HEAD found under no superseded key, and all keys that it found under one. */
  readonly #notUnder = new Set<string>();
  readonly #leftKeys = new Set<string>();
  readonly #generated: KeyListing[] = [];
  readonly #disagreements = new BoundedList<Disagreement>();
  readonly #sample: RandomSample<ListedVersion>;
  /** Milliseconds; the manifests may or may not name what was written since. */
  #since = Number.NEGATIVE_INFINITY;
  #uploadKeys: ReadonlySet<string> = new Set();
  #contradiction: string | undefined;

  constructor(store: ObjectStore, listUnderKey: ListUnderKey, request: ManifestVerifyRequest) {
    this.#listUnderKey = listUnderKey;
    this.#request = request;
    this.#sample = new RandomSample(request.sample ?? DEFAULT_SAMPLE);
    this.#scanner = new VersionScanner(store, request, { onHead: (listed, label) => this.#compare(listed, label) });
  }

  async run(): Promise<BucketVerification | NotEnough> {
    const start = await this.#scanner.begin();
    this.#since = start.at - CLOCK_TOLERANCE;
    this.#uploadKeys = new Set(start.uploads.first.map((upload) => upload.key));
    const before = this.#unsupported(start) ?? (await this.#tryFilter());
    if (before !== undefined) return this.#notEnough(before);
    await this.#listByS3((key, keyArn) => {
      if (this.#named.size <= MAX_NAMED) this.#named.set(key, keyArn);
    });
    if (this.#named.size > MAX_NAMED) return this.#notEnough(`the manifests name more than ${MAX_NAMED} keys`);
    const listed = await this.#scanner.scanListing((version) => this.#pick(version));
    await this.#scanner.scan(this.#sample.chosen, 'sample');
    await this.#listByS3((key, keyArn) => this.#compareAgain(key, keyArn));
    if (this.#contradiction !== undefined) return this.#notEnough(this.#contradiction);
    const sources = { because: undefined, ...this.#account() };
    return this.#scanner.report(start, listed, this.#request.supersededKeyArns, sources);
  }

  /** Why lists cannot be enough for this bucket, before any is requested. */
  #unsupported({ versioning, uploads }: VerificationStart): string | undefined {
    if (versioning !== 'unversioned' && !this.#request.noConcurrentWrites) {
      return 'the bucket has versions, and its writers are not paused: a version could become current again unseen';
    }
    if (uploads.total > uploads.first.length)
      return `${uploads.total} uploads are open, more than a verification keeps track of`;
    return undefined;
  }

  /** A filter that matches nothing would look like an empty key, so it must first find an object that is there. */
  async #tryFilter(): Promise<string | undefined> {
    const { activeKeyArn } = this.#request;
    const control = await controlObject(this.#scanner, activeKeyArn);
    if (control === undefined) return 'no object under the active key was found to test S3’s filter with';
    let isNamed = false;
    const listing = await this.#list(activeKeyArn, 'SSE-KMS', control, (key) => {
      isNamed ||= key === control;
    });
    this.#generated.push(listing);
    if (isNamed) return undefined;
    return `S3 did not name ${JSON.stringify(control)}, which is under the active key, in a manifest of that key`;
  }

  async #listByS3(onKey: (key: string, keyArn: string) => void): Promise<void> {
    const requested = this.#request.supersededKeyArns.flatMap((keyArn) =>
      (['SSE-KMS', 'DSSE-KMS'] as const).map((layers) =>
        this.#list(keyArn, layers, undefined, (key) => onKey(key, keyArn)),
      ),
    );
    // Each list cleans up after itself: all have to end before the first failure is thrown.
    const ends = await Promise.allSettled(requested);
    for (const end of ends) {
      if (end.status === 'rejected') throw end.reason;
      this.#generated.push(end.value);
    }
  }

  #list(
    underKeyArn: string,
    layers: Layers,
    prefix: string | undefined,
    onKey: (key: string) => void,
  ): Promise<KeyListing> {
    const { bucket, onProgress } = this.#request;
    onProgress?.(`${bucket}: S3 lists what is under ${underKeyArn} (${layers})`);
    return this.#listUnderKey({ underKeyArn, layers, prefix }, onKey);
  }

  #pick(version: ListedVersion): string | undefined {
    if (!version.isLatest) return 'noncurrent';
    if (version.lastModified >= this.#since) return 'written since the manifests were requested';
    if (this.#uploadKeys.has(version.key)) return 'of an upload that was open';
    if (this.#named.has(version.key)) return 'named by a generated manifest';
    const source = this.#request.named?.get(version.key);
    if (source !== undefined) return source;
    this.#sample.offer(version);
    return undefined;
  }

  /** Compares what the manifests report with a HEAD. A manifest need not know what #pick selects by date, upload or age. */
  #compare({ key, versionId, isLatest, lastModified }: ListedVersion, label: string): void {
    const reported = this.#named.get(key);
    const mustBeListed = isLatest && lastModified < this.#since && !this.#uploadKeys.has(key);
    const under = this.#request.supersededKeyArns.find((keyArn) => isUnder(label, keyArn));
    if (under !== undefined) this.#leftKeys.add(key);
    else if (reported !== undefined && isLatest) this.#notUnder.add(key);
    if (reported === under || (reported === undefined && !mustBeListed)) return;
    const source = 'generated manifest';
    this.#disagreements.add({ key, versionId, source, reported: reported ?? 'under no superseded key', found: label });
    if (reported === undefined)
      this.#contradiction = `${JSON.stringify(key)} is under ${under}, and no manifest named it`;
  }

  /** What came under an old key since the first lists, with whatever date, only a HEAD of every version accounts for. */
  #compareAgain(key: string, keyArn: string): void {
    if (this.#leftKeys.has(key) || (this.#named.has(key) && !this.#notUnder.has(key))) return;
    this.#contradiction ??= `S3 named ${JSON.stringify(key)} under ${keyArn} only after the listing`;
  }

  #account(): Omit<NotEnough, 'because'> {
    const { first, total } = this.#disagreements;
    return { generated: this.#generated, disagreements: first, disagreementsTotal: total };
  }

  #notEnough(because: string): NotEnough {
    this.#request.onProgress?.(`${this.#request.bucket}: inspecting every version: ${because}`);
    return { because, ...this.#account() };
  }
}

/** `DSSE:<arn>` is a second layer under the same key. */
function isUnder(label: string, keyArn: string): boolean {
  return isKey(label.replace(/^DSSE:/, ''), keyArn);
}
