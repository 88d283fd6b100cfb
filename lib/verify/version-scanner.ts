import { throwIfInterrupted } from '../errors';
import { AdaptiveLimiter, concurrencyOf } from '../s3/adaptive-limiter';
import { type BucketCall, bucketCallOf } from '../s3/bucket-call';
import { CLOCK_SLACK } from '../s3/clock-slack';
import { FaultPolicy } from '../s3/fault-policy';
import { type Inspection, inspectVersion } from '../s3/inspect-version';
import { listedRef } from '../s3/listed-ref';
import type { ListedVersion, VersionPage, VersionRef } from '../s3/object-version';
import { openUploads } from '../s3/open-uploads';
import { type Caller, withPacingAndRetry } from '../s3/pacing-and-retry';
import { PrefixPacing } from '../s3/prefix-pacing';
import { Progress } from '../s3/progress';
import { Semaphore } from '../s3/semaphore';
import type { ObjectStore, Versioning } from '../s3/store';
import type {
  BucketVerification,
  InspectionReason,
  VerificationSources,
  VerificationStart,
  VerifyRequest,
} from './bucket-verification';
import { compareListings, type Listed } from './compare-listings';
import { Findings, type FindingsListener } from './findings';
import type { ListingComparison } from './listing-comparison';
import { ListingDigest, rememberListing } from './listing-digest';
import { secondWalk } from './second-walk';
import { allUploads } from './upload-union';
import { type InspectedEntry, VersionJudge } from './version-judge';
import { VersionSamples } from './version-samples';
import { pageOf, type SendListing, type WalkedPage, type WalkRange, walkVersions } from './version-walk';
import { walkInParallel } from './walk-in-parallel';

/** Inspects object versions of one bucket and counts what it finds. */
export class VersionScanner {
  readonly #store: ObjectStore;
  readonly #request: VerifyRequest;
  readonly #call: Caller;
  readonly #prefixes: PrefixPacing;
  readonly #bucketCall: BucketCall;
  readonly #slots: Semaphore;
  readonly #halt = new AbortController();
  readonly #faultPolicy: FaultPolicy;
  readonly #samples: VersionSamples;
  readonly #heads = new Map<string, number>();
  readonly #findings: Findings;
  readonly #judge: VersionJudge;
  #digest: ListingDigest | undefined;
  #versioning: Versioning = 'unversioned';
  #seen = 0;
  #stop: unknown;

  /** @param samples - absent: nobody else chooses versions for them */
  constructor(
    store: ObjectStore,
    request: VerifyRequest,
    listener: FindingsListener = {},
    samples = new VersionSamples(request),
  ) {
    this.#store = store;
    this.#request = request;
    const pace = request.pace ?? new AdaptiveLimiter({ maxConcurrency: request.concurrency, maxRps: request.maxRps });
    this.#prefixes = new PrefixPacing(pace.lanesOf(request.bucket));
    this.#call = this.#caller(pace);
    this.#slots = new Semaphore(concurrencyOf(request.concurrency));
    this.#faultPolicy = new FaultPolicy(request.activeKeyArn);
    this.#bucketCall = bucketCallOf(this.#call, this.#faultPolicy, request.bucket);
    this.#findings = new Findings(listener);
    this.#samples = samples;
    this.#judge = new VersionJudge({
      store,
      request,
      call: this.#call,
      ofBucket: (send) => this.#ofBucket(send),
      faultPolicy: this.#faultPolicy,
      findings: this.#findings,
      samples,
      refOf: (listed) => this.#refOf(listed),
    });
  }

  /** Requests sent. */
  get requests(): number {
    return this.#prefixes.sent;
  }

  /** HEADs that were repeated through the AWS SDK. */
  get secondHeads(): BucketVerification['secondHeads'] {
    return this.#judge.secondHeads;
  }

  /** Versions that S3 was asked about annotations of. */
  get askedForAnnotations(): number {
    return this.#judge.annotations.found(0).asked;
  }

  get findings(): Findings {
    return this.#findings;
  }

  #caller(pace: AdaptiveLimiter): Caller {
    const { retry = {}, signal } = this.#request;
    const halted = signal ? AbortSignal.any([signal, this.#halt.signal]) : this.#halt.signal;
    return withPacingAndRetry(pace, retry, halted, this.#prefixes);
  }

  /** Before any listing: an upload that finishes meanwhile is then among the uploads or in the listing. */
  async begin(): Promise<VerificationStart> {
    const { bucket, listedBy } = this.#request;
    this.#versioning = await this.#ofBucket(() => this.#store.versioning(bucket));
    const at = this.#store.now();
    this.#digest = new ListingDigest(listedBy?.until ?? at - CLOCK_SLACK);
    return { versioning: this.#versioning, at, uploads: await this.#uploads() };
  }

  /** The first versions of the bucket. */
  firstPage(): Promise<VersionPage> {
    return this.#ofBucket(() => this.#store.witness.listVersions({ bucket: this.#request.bucket }));
  }

  /** Inspects one version without counting it. */
  inspect(listed: ListedVersion): Promise<Inspection> {
    return inspectVersion(this.#store, this.#call, this.#refOf(listed), listed.size);
  }

  /** Lists the bucket and inspects what is picked. */
  async scanListing(pick: InspectionReason): Promise<Listed> {
    const { bucket, onProgress, listedBefore } = this.#request;
    const newest = listedBefore?.newest ?? Number.POSITIVE_INFINITY;
    const progress = new Progress(onProgress, () => listedBefore?.versions);
    let [listed, deleteMarkers, asBefore, latest] = [0, 0, 0, 0];
    const onPage = async (page: WalkedPage): Promise<void> => {
      deleteMarkers += page.deleteMarkers.length;
      listed += page.versions.length;
      this.#findings.account.listed(page.versions.length);
      for (const version of page.versions) {
        if (version.lastModified <= newest) asBefore += 1;
        if (version.lastModified > latest) latest = version.lastModified;
        this.#digest?.add(version);
        const why = pick(version);
        if (why === undefined) this.#findings.account.settle('notInspected');
        else await this.#start(version, why, { page });
      }
      throwIfInterrupted(this.#request.signal, 'verification');
      progress.at(this.#seen, (pace) => `${bucket}: ${pace}; ${this.#seen} verified, ${this.#findings.progress}`);
    };
    const call = <T>(send: () => Promise<T>) => this.#ofBucket(send);
    await this.#untilIdle(() => walkInParallel(this.#store, { bucket, call }, onPage));
    return { versions: listed, deleteMarkers, asBefore, newest: latest };
  }

  /**
   * Lists the bucket once more where it holds other versions of an old date than an earlier listing, and inspects all among which these
   * are. One that `pick` takes may have been inspected before, or have borne an old date until now: it counts as listed once more.
   */
  async scanDifferences(earlier: ListingDigest, pick: InspectionReason, why: string): Promise<void> {
    const differs = this.#digest?.differencesFrom(earlier);
    if (!differs) return;
    const isNew = (version: ListedVersion) => pick(version) !== undefined;
    await this.scanAgain((version) => differs(version) && (isNew(version) ? 'listed once more' : 'not inspected'), why);
  }

  /**
   * Lists the bucket once more and inspects what is picked: versions that were listed and not inspected, or that count as listed once
   * more.
   */
  async scanAgain(
    pick: (version: ListedVersion) => 'listed once more' | 'not inspected' | false,
    why: string,
  ): Promise<void> {
    const { bucket } = this.#request;
    const call = <T>(send: () => Promise<T>) => this.#ofBucket(send);
    await this.#untilIdle(() =>
      walkInParallel(this.#store, { bucket, call }, async (page) => {
        for (const version of page.versions) {
          const picked = pick(version);
          if (picked === false) continue;
          if (picked === 'listed once more') this.#findings.account.listed(1);
          await this.#start(version, why, { page, was: picked === 'not inspected' ? 'notInspected' : undefined });
        }
      }),
    );
  }

  /** Lists a range of keys and inspects what is picked. @param onHead - called with each HEAD's answer */
  async scanRange(range: WalkRange, pick: InspectionReason, onHead: InspectedEntry['onHead']): Promise<void> {
    const { bucket } = this.#request;
    const send: SendListing = (part) => this.#ofBucket(() => this.#store.witness.listVersions({ bucket, ...part }));
    const started: Promise<void>[] = [];
    try {
      for await (const page of walkVersions(send, range)) {
        for (const version of page.versions) {
          const why = pick(version);
          if (why !== undefined) started.push((await this.#begun(version, why, { page, onHead })).done);
          if (this.#stop !== undefined) throw this.#stop;
        }
      }
    } finally {
      await Promise.all(started);
    }
    if (this.#stop !== undefined) throw this.#stop;
  }

  /** Inspects versions that were listed before and not inspected. */
  async scan(versions: Iterable<ListedVersion>, why: string): Promise<void> {
    await this.#untilIdle(async () => {
      for (const version of versions) {
        await this.#start(version, why, { page: pageOf(version), was: 'notInspected' });
      }
    });
  }

  /** Reads one sample, repeats the HEADs of another, and puts together what was seen. */
  async report(
    { at, uploads, versioning }: VerificationStart,
    listed: Listed,
    covers: BucketVerification['covers'],
    sources: Omit<VerificationSources, 'heads' | 'notInspected'>,
  ): Promise<BucketVerification> {
    await this.#judge.samples();
    throwIfInterrupted(this.#request.signal, 'verification');
    const { bucket } = this.#request;
    const comparisons = await this.#compare(listed);
    const open = allUploads(uploads, await this.#uploads());
    const account = this.#findings.account.account(bucket);
    if (this.#digest) rememberListing(account, this.#digest);
    return {
      bucket,
      at: new Date(at).toISOString(),
      newestListed: new Date(listed.newest).toISOString(),
      deleteMarkers: listed.deleteMarkers,
      account,
      comparisons,
      ...this.#findings.found(account),
      secondHeads: this.#judge.secondHeads,
      // What changed since a verification is inspected, and that verification covers the rest.
      annotations: this.#judge.annotations.found(covers.length > 0 ? account.notInspected : 0),
      openUploads: open.first,
      openUploadsTotal: open.total,
      read: this.#judge.read,
      requests: this.#prefixes.sent,
      covers,
      sources: { heads: Object.fromEntries(this.#heads), notInspected: account.notInspected, ...sources },
      ...(this.#request.rehearse ? { toRehearse: this.#samples.rehearsal.chosen(versioning) } : {}),
    };
  }

  #compare(listed: Listed): Promise<readonly ListingComparison[]> {
    const { bucket } = this.#request;
    const call = <T>(send: () => Promise<T>) => this.#ofBucket(send);
    const onFound = async (one: ListedVersion): Promise<void> => {
      this.#findings.account.listed(1);
      await this.#judge.inspect(one, { page: pageOf(one) });
    };
    return compareListings(listed, this.#request, this.#findings.account.count('gone'), (how) =>
      secondWalk(this.#store, { ...how, bucket, onFound, call }),
    );
  }

  #uploads() {
    return openUploads(this.#store, (_bound, send) => this.#ofBucket(send), this.#request.bucket);
  }

  async #untilIdle(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } finally {
      await this.#slots.idle();
    }
    if (this.#stop !== undefined) throw this.#stop;
  }

  async #start(version: ListedVersion, why: string, entry: InspectedEntry): Promise<void> {
    void (await this.#begun(version, why, entry)).done;
    if (this.#stop !== undefined) throw this.#stop;
    throwIfInterrupted(this.#request.signal, 'verification');
  }

  /** Waits for a free slot. */
  async #begun(version: ListedVersion, why: string, entry: InspectedEntry): Promise<{ readonly done: Promise<void> }> {
    const room = this.#prefixes.room(version.key);
    if (room) await room;
    const slot = this.#slots.acquire();
    if (slot) await slot;
    this.#heads.set(why, (this.#heads.get(why) ?? 0) + 1);
    return { done: this.#one(version, entry) };
  }

  async #one(listed: ListedVersion, entry: InspectedEntry): Promise<void> {
    try {
      await this.#judge.inspect(listed, entry);
      this.#seen += 1;
    } catch (error) {
      this.#stop ??= error;
      this.#halt.abort();
    } finally {
      this.#slots.release();
    }
  }

  #refOf(listed: ListedVersion): VersionRef {
    return listedRef(this.#request.bucket, this.#versioning, listed);
  }

  async #ofBucket<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await this.#bucketCall(send);
    } catch (error) {
      throwIfInterrupted(this.#request.signal, 'verification');
      throw error;
    }
  }
}
