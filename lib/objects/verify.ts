import { KeyturnError, throwIfInterrupted } from '../errors';
import { type Caller, faultText, pacedCaller, type RetryOptions } from './caller';
import { inventory } from './inventory';
import { lookAt } from './look';
import {
  encryptionLabel,
  holdingKey,
  isKey,
  type ListedVersion,
  type ObjectHead,
  type PageMarker,
  type VersionRef,
} from './object-version';
import { BoundedList } from './outcome';
import { concurrencyOf, Pace } from './pace';
import { ReadSample, type SampledRead } from './read-sample';
import { Slots } from './slots';
import { FaultJudge, RunStopped } from './stop';
import type { ObjectStore, Versioning } from './store';
import { asFault } from './store-fault';
import { type OpenUploadFound, openUploads, type StragglerVersion } from './stragglers';

export interface VerifyRequest {
  readonly bucket: string;
  readonly activeKeyArn: string;
  readonly signal?: AbortSignal | undefined;
  /** Requests under way at once at the most, 1 to 1,024. Default 384. */
  readonly concurrency?: number | undefined;
  /** Requests a second at the most. Default: no limit of ours. */
  readonly maxRps?: number | undefined;
  /** Versions under the active key that are also read: a number, taken at random, or all. Default 20. */
  readonly read?: number | 'all' | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** A version of which it cannot be told under which key it is, or that its key does not open. */
export interface UnknownVersion {
  readonly key: string;
  readonly versionId: string;
  readonly reason: string;
}

/** Under which key every object version of a bucket was, by a fresh listing and a HEAD of each. */
export interface BucketVerification {
  readonly bucket: string;
  /** ISO 8601, by the endpoint's clock, of the moment the listing began. */
  readonly at: string;
  readonly objectVersions: number;
  readonly deleteMarkers: number;
  /** Versions by key ARN; `SSE-S3`, `SSE-C`, `unencrypted` and `DSSE:<arn>` for those not under SSE-KMS. */
  readonly byKey: Readonly<Record<string, number>>;
  /** Under a KMS key that is not the active one: the first 1,000 of `leftTotal`. */
  readonly left: readonly StragglerVersion[];
  readonly leftTotal: number;
  /** The first 1,000 of `unknownTotal`. */
  readonly unknown: readonly UnknownVersion[];
  readonly unknownTotal: number;
  /** The first 1,000 of `openUploadsTotal`. */
  readonly openUploads: readonly OpenUploadFound[];
  readonly openUploadsTotal: number;
  /** Versions that were read, and their bytes. Those that could not be read count as unknown. */
  readonly read: { readonly versions: number; readonly bytes: number };
  readonly requests: number;
}

/**
 * Looks at every object version of a bucket, by a listing of its own. It takes nothing from a re-encryption: what that
 * one believes, wrote down or skipped does not matter here. A version that was deleted meanwhile is not unknown; one
 * that could not be looked at is.
 *
 * @throws interrupted, aws-access-denied, aws-failed, verification-stopped: it is whole or it is nothing
 */
export async function verifyBucket(store: ObjectStore, request: VerifyRequest): Promise<BucketVerification> {
  try {
    return await new Verification(store, request).run();
  } catch (error) {
    if (error instanceof KeyturnError) throw error;
    throwIfInterrupted(request.signal, 'verification');
    if (!(error instanceof RunStopped)) throw error;
    throw new KeyturnError('verification-stopped', { bucket: request.bucket, detail: error.stopped.detail }, error);
  }
}

class Verification {
  readonly #store: ObjectStore;
  readonly #request: VerifyRequest;
  readonly #call: Caller;
  readonly #slots: Slots;
  readonly #halt = new AbortController();
  readonly #judge: FaultJudge;
  readonly #byKey = new Map<string, number>();
  readonly #left = new BoundedList<StragglerVersion>();
  readonly #unknown = new BoundedList<UnknownVersion>();
  readonly #sample: ReadSample;
  #read = { versions: 0, bytes: 0 };
  #seen = 0;
  #stop: unknown;

  constructor(store: ObjectStore, request: VerifyRequest) {
    const { concurrency, maxRps, retry = {}, signal, activeKeyArn, read = 20 } = request;
    this.#store = store;
    this.#request = request;
    const halted = signal ? AbortSignal.any([signal, this.#halt.signal]) : this.#halt.signal;
    this.#call = pacedCaller(new Pace({ maxConcurrency: concurrency, maxRps }), retry, halted);
    this.#slots = new Slots(concurrencyOf(concurrency));
    this.#judge = new FaultJudge(activeKeyArn);
    this.#sample = new ReadSample(read === 'all' ? 0 : read);
  }

  async run(): Promise<BucketVerification> {
    const { bucket, signal } = this.#request;
    const before = this.#store.requests();
    const versioning = await this.#ofBucket(() => this.#store.versioning(bucket));
    const at = new Date(this.#store.now()).toISOString();
    // Before the listing: an upload that finishes meanwhile is then in the one or in the other.
    const uploads = await openUploads(this.#store, (_bound, send) => this.#ofBucket(send), bucket);
    const { objectVersions, deleteMarkers } = await this.#lookAtAll(versioning);
    for (const one of this.#sample.chosen) await this.#readOne(one);
    throwIfInterrupted(signal, 'verification');
    return {
      bucket,
      at,
      objectVersions,
      deleteMarkers,
      byKey: Object.fromEntries(this.#byKey),
      left: this.#left.first,
      leftTotal: this.#left.total,
      unknown: this.#unknown.first,
      unknownTotal: this.#unknown.total,
      openUploads: uploads.first,
      openUploadsTotal: uploads.total,
      read: this.#read,
      requests: this.#store.requests() - before,
    };
  }

  async #lookAtAll(versioning: Versioning): Promise<{ objectVersions: number; deleteMarkers: number }> {
    const { bucket, signal, onProgress } = this.#request;
    let [objectVersions, deleteMarkers] = [0, 0];
    try {
      for await (const page of inventory(this.#store, { bucket, listing: (send) => this.#ofBucket(send) })) {
        for (const version of page.versions) {
          objectVersions += 1;
          const room = this.#slots.take();
          if (room) await room;
          void this.#one(versioning, version);
          if (this.#stop !== undefined) throw this.#stop;
          throwIfInterrupted(signal, 'verification');
        }
        deleteMarkers += page.markerKeys.length;
        onProgress?.(`${bucket}: ${this.#seen} verified, ${this.#left.total} left, ${this.#unknown.total} unknown`);
      }
    } finally {
      await this.#slots.idle();
    }
    if (this.#stop !== undefined) throw this.#stop;
    return { objectVersions, deleteMarkers };
  }

  async #one(versioning: Versioning, listed: ListedVersion): Promise<void> {
    const { bucket } = this.#request;
    const ref = { bucket, key: listed.key, versionId: versioning === 'unversioned' ? undefined : listed.versionId };
    try {
      await this.#lookAtOne(ref, listed);
      this.#seen += 1;
    } catch (error) {
      this.#stop ??= error;
      this.#halt.abort();
    } finally {
      this.#slots.give();
    }
  }

  async #lookAtOne(ref: VersionRef, listed: ListedVersion): Promise<void> {
    const look = await lookAt(this.#store, this.#call, ref, listed.size);
    if (look.found === 'gone') {
      await this.#confirmGone(ref, listed);
      return;
    }
    if (look.found === 'sse-c') {
      this.#count('SSE-C');
    } else if (look.found === 'fault') {
      // Throws where the fault is not this version's: a verification that may not look at anything is none.
      await this.#judge.judge(look.fault, ref, undefined, async () => false);
      this.#unknown.add({ key: listed.key, versionId: listed.versionId, reason: faultText(look.fault) });
    } else {
      this.#judge.succeeded('HeadObject');
      await this.#classify(ref, listed, look.head);
    }
  }

  /** One answer that a version is not there is not believed: it must have left the listing too. */
  async #confirmGone({ bucket, key }: VersionRef, { versionId, etag }: ListedVersion): Promise<void> {
    let after: PageMarker | undefined;
    do {
      const marker = after;
      const page = await this.#ofBucket(() => this.#store.listVersions({ bucket, prefix: key, after: marker }));
      const same = page.versions.filter((one) => one.key === key);
      if (same.some((one) => one.versionId === versionId && one.etag === etag)) {
        this.#unknown.add({ key, versionId, reason: 'HeadObject says that it is gone, but it is still listed' });
        return;
      }
      // The key itself comes before every other key that begins with it.
      after = page.next?.key === key ? page.next : undefined;
    } while (after);
  }

  async #classify(ref: VersionRef, listed: ListedVersion, head: ObjectHead): Promise<void> {
    const { key, versionId, isLatest } = listed;
    const { activeKeyArn } = this.#request;
    this.#count(encryptionLabel(head.encryption));
    if (head.encryption.kind === 'other') {
      this.#unknown.add({ key, versionId, reason: `S3 names the encryption ${head.encryption.algorithm}` });
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

  #count(label: string): void {
    this.#byKey.set(label, (this.#byKey.get(label) ?? 0) + 1);
  }

  async #ofBucket<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await this.#call('s3', send);
    } catch (error) {
      throwIfInterrupted(this.#request.signal, 'verification');
      const fault = asFault(error);
      throw fault ? this.#judge.bucketFault(fault, this.#request.bucket) : error;
    }
  }
}
