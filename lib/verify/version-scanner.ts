import { throwIfInterrupted } from '../errors';
import { AdaptiveLimiter, concurrencyOf } from '../s3/adaptive-limiter';
import { BoundedList } from '../s3/bounded-list';
import { FaultPolicy } from '../s3/fault-policy';
import { type Inspection, inspectVersion } from '../s3/inspect-version';
import { listedRef } from '../s3/listed-ref';
import {
  encryptionLabel,
  holdingKey,
  isKey,
  type ListedVersion,
  type ObjectHead,
  type VersionPage,
  type VersionRef,
} from '../s3/object-version';
import { type OpenUploadFound, openUploads } from '../s3/open-uploads';
import { type Caller, withPacingAndRetry } from '../s3/pacing-and-retry';
import { listVersionsInParallel } from '../s3/parallel-listing';
import { Semaphore } from '../s3/semaphore';
import type { ObjectStore, Versioning } from '../s3/store';
import { asFault, faultText } from '../s3/store-fault';
import { listVersionPages } from '../s3/version-listing';
import type {
  BucketVerification,
  StragglerVersion,
  UnknownVersion,
  VerificationSources,
  VerifyRequest,
} from './bucket-verification';
import { ReadSample, type SampledRead } from './read-sample';

/** The state of a bucket when its verification began. */
export interface VerificationStart {
  readonly versioning: Versioning;
  /** Milliseconds since the epoch by the endpoint's clock. */
  readonly at: number;
  readonly uploads: { readonly total: number; readonly first: readonly OpenUploadFound[] };
}

/** Why a listed version is inspected; undefined: it is not. */
export type InspectionReason = (version: ListedVersion) => string | undefined;

/** What the listing held. */
export interface Listed {
  readonly objectVersions: number;
  readonly deleteMarkers: number;
}

/**
 * From this moment on S3 encrypts every new object, so that an answer without a key is no answer. Milliseconds.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
 */
const ENCRYPTED_SINCE = Date.parse('2023-01-05T00:00:00Z');

/** Inspects object versions of one bucket and counts what it finds. */
export class VersionScanner {
  readonly #store: ObjectStore;
  readonly #request: VerifyRequest;
  readonly #call: Caller;
  readonly #slots: Semaphore;
  readonly #halt = new AbortController();
  readonly #faultPolicy: FaultPolicy;
  readonly #onHead: (listed: ListedVersion, label: string) => void;
  readonly #before: number;
  readonly #byKey = new Map<string, number>();
  readonly #heads = new Map<string, number>();
  readonly #left = new BoundedList<StragglerVersion>();
  readonly #unknown = new BoundedList<UnknownVersion>();
  readonly #sample: ReadSample;
  #versioning: Versioning = 'unversioned';
  #read = { versions: 0, bytes: 0 };
  #seen = 0;
  #stop: unknown;

  /** @param onHead - called with the encryption of each inspected version */
  constructor(
    store: ObjectStore,
    request: VerifyRequest,
    onHead: (listed: ListedVersion, label: string) => void = () => undefined,
  ) {
    const { concurrency, maxRps, retry = {}, signal, activeKeyArn, read = 20 } = request;
    this.#store = store;
    this.#request = request;
    this.#onHead = onHead;
    this.#before = store.requests();
    const halted = signal ? AbortSignal.any([signal, this.#halt.signal]) : this.#halt.signal;
    this.#call = withPacingAndRetry(new AdaptiveLimiter({ maxConcurrency: concurrency, maxRps }), retry, halted);
    this.#slots = new Semaphore(concurrencyOf(concurrency));
    this.#faultPolicy = new FaultPolicy(activeKeyArn);
    this.#sample = new ReadSample(read === 'all' ? 0 : read);
  }

  /** Before any listing: an upload that finishes meanwhile is then among the uploads or in the listing. */
  async begin(): Promise<VerificationStart> {
    const { bucket } = this.#request;
    this.#versioning = await this.#ofBucket(() => this.#store.versioning(bucket));
    const at = this.#store.now();
    const uploads = await openUploads(this.#store, (_bound, send) => this.#ofBucket(send), bucket);
    return { versioning: this.#versioning, at, uploads };
  }

  /** The first versions of the bucket. */
  firstPage(): Promise<VersionPage> {
    return this.#ofBucket(() => this.#store.listVersions({ bucket: this.#request.bucket }));
  }

  /** Inspects one version without counting it. */
  inspect(listed: ListedVersion): Promise<Inspection> {
    return inspectVersion(this.#store, this.#call, this.#refOf(listed), listed.size);
  }

  /** Lists the bucket and inspects what is picked. */
  async scanListing(pick: InspectionReason): Promise<Listed> {
    const { bucket, onProgress } = this.#request;
    let [objectVersions, deleteMarkers] = [0, 0];
    try {
      const listing = <T>(send: () => Promise<T>) => this.#ofBucket(send);
      for await (const page of listVersionsInParallel(this.#store, { bucket, listing })) {
        objectVersions += page.versions.length;
        deleteMarkers += page.deleteMarkers.length;
        for (const version of page.versions) {
          const why = pick(version);
          if (why !== undefined) await this.#start(version, why);
        }
        throwIfInterrupted(this.#request.signal, 'verification');
        onProgress?.(`${bucket}: ${this.#seen} verified, ${this.#left.total} left, ${this.#unknown.total} unknown`);
      }
    } finally {
      await this.#slots.idle();
    }
    if (this.#stop !== undefined) throw this.#stop;
    return { objectVersions, deleteMarkers };
  }

  /** Inspects versions that were listed before. */
  async scan(versions: Iterable<ListedVersion>, why: string): Promise<void> {
    try {
      for (const version of versions) await this.#start(version, why);
    } finally {
      await this.#slots.idle();
    }
    if (this.#stop !== undefined) throw this.#stop;
  }

  /** Reads the sample, and puts together what was seen. */
  async report(
    { at, uploads }: VerificationStart,
    listed: Listed,
    covers: BucketVerification['covers'],
    sources: Omit<VerificationSources, 'heads' | 'notInspected'>,
  ): Promise<BucketVerification> {
    for (const one of this.#sample.chosen) await this.#readOne(one);
    throwIfInterrupted(this.#request.signal, 'verification');
    const inspected = [...this.#heads.values()].reduce((sum, count) => sum + count, 0);
    return {
      bucket: this.#request.bucket,
      at: new Date(at).toISOString(),
      ...listed,
      byKey: Object.fromEntries(this.#byKey),
      left: this.#left.first,
      leftTotal: this.#left.total,
      unknown: this.#unknown.first,
      unknownTotal: this.#unknown.total,
      openUploads: uploads.first,
      openUploadsTotal: uploads.total,
      read: this.#read,
      requests: this.#store.requests() - this.#before,
      covers,
      sources: { heads: Object.fromEntries(this.#heads), notInspected: listed.objectVersions - inspected, ...sources },
    };
  }

  async #start(version: ListedVersion, why: string): Promise<void> {
    const room = this.#slots.acquire();
    if (room) await room;
    this.#heads.set(why, (this.#heads.get(why) ?? 0) + 1);
    void this.#one(version);
    if (this.#stop !== undefined) throw this.#stop;
    throwIfInterrupted(this.#request.signal, 'verification');
  }

  async #one(listed: ListedVersion): Promise<void> {
    try {
      await this.#inspectOne(this.#refOf(listed), listed);
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

  async #inspectOne(ref: VersionRef, listed: ListedVersion): Promise<void> {
    const inspection = await inspectVersion(this.#store, this.#call, ref, listed.size);
    if (inspection.found === 'gone') {
      await this.#confirmGone(ref, listed);
      return;
    }
    if (inspection.found === 'sse-c') {
      this.#count(listed, 'SSE-C');
    } else if (inspection.found === 'fault') {
      // Throws where the fault is not this version's: without permission to inspect there is no verification.
      await this.#faultPolicy.classify(inspection.fault, ref, undefined, async () => false);
      this.#unknown.add({ key: listed.key, versionId: listed.versionId, reason: faultText(inspection.fault) });
    } else {
      this.#faultPolicy.succeeded('HeadObject');
      await this.#classify(ref, listed, inspection.head);
    }
  }

  /** One answer that a version is gone is not enough: it must have left the listing too. */
  async #confirmGone({ bucket, key }: VersionRef, { versionId, etag }: ListedVersion): Promise<void> {
    const listing = (send: () => Promise<VersionPage>) => this.#ofBucket(send);
    for await (const { versions } of listVersionPages(this.#store, { bucket, prefix: key, to: key, listing })) {
      if (versions.some((one) => one.versionId === versionId && one.etag === etag)) {
        this.#unknown.add({ key, versionId, reason: 'HeadObject reports that it is gone, but it is still listed' });
        return;
      }
    }
  }

  async #classify(ref: VersionRef, listed: ListedVersion, head: ObjectHead): Promise<void> {
    const { key, versionId, isLatest } = listed;
    const { activeKeyArn } = this.#request;
    this.#count(listed, encryptionLabel(head.encryption));
    if (head.encryption.kind === 'other') {
      this.#unknown.add({ key, versionId, reason: `S3 names the encryption ${head.encryption.algorithm}` });
    }
    if (head.encryption.kind === 'unencrypted' && !isFromBefore(ENCRYPTED_SINCE, listed, head)) {
      this.#unknown.add({
        key,
        versionId,
        reason: 'HeadObject names no encryption, and S3 encrypts every object since 2023',
      });
    }
    const keyArn = holdingKey(head.encryption);
    if (keyArn === undefined) return;
    if (!isKey(keyArn, activeKeyArn)) {
      const lastModified = new Date(head.lastModified).toISOString();
      this.#left.add({ key, versionId, keyArn, isLatest, lastModified });
    } else if (this.#request.read === 'all') await this.#readOne({ ref, head, whole: true });
    else {
      this.#sample.offer(ref, head);
    }
  }

  async #readOne({ ref, head, whole }: SampledRead): Promise<void> {
    try {
      const read = () => (whole ? this.#store.readAll(ref) : this.#store.probe(ref, head.size).then(() => 1));
      const bytes = await this.#call('kms', read);
      this.#read = { versions: this.#read.versions + 1, bytes: this.#read.bytes + bytes };
      if (whole && bytes !== head.size && ref.versionId !== undefined) {
        this.#unreadable(ref, `${bytes} of ${head.size} bytes could be read`);
      }
    } catch (error) {
      const fault = asFault(error);
      if (!fault) throw error;
      if (fault.status === 404 || fault.status === 405 || fault.code === 'InvalidObjectState') return;
      this.#unreadable(ref, faultText(fault));
    }
  }

  #unreadable({ key, versionId = 'null' }: VersionRef, why: string): void {
    this.#unknown.add({ key, versionId, reason: `under the active key, but it cannot be read: ${why}` });
  }

  #count(listed: ListedVersion, label: string): void {
    this.#onHead(listed, label);
    this.#byKey.set(label, (this.#byKey.get(label) ?? 0) + 1);
  }

  async #ofBucket<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await this.#call('s3', send);
    } catch (error) {
      throwIfInterrupted(this.#request.signal, 'verification');
      const fault = asFault(error);
      throw fault ? this.#faultPolicy.bucketFault(fault, this.#request.bucket) : error;
    }
  }
}

/** Whether both the listing and HEAD date a version before a time; a date that is missing or cannot be read dates nothing. */
function isFromBefore(time: number, ...dated: readonly { readonly lastModified: number }[]): boolean {
  return dated.every(({ lastModified }) => lastModified > 0 && lastModified < time);
}
