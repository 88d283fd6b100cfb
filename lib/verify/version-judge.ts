import type { FaultPolicy } from '../s3/fault-policy';
import { inspectVersion } from '../s3/inspect-version';
import {
  encryptionLabel,
  holdingKey,
  type ListedVersion,
  type ObjectHead,
  type VersionPage,
  type VersionRef,
} from '../s3/object-version';
import type { Caller } from '../s3/pacing-and-retry';
import { sideBySide } from '../s3/side-by-side';
import type { ObjectStore } from '../s3/store';
import { asFault, faultText } from '../s3/store-fault';
import { AnnotationCheck } from './annotation-check';
import type { BucketVerification, VerifyRequest } from './bucket-verification';
import type { Findings } from './findings';
import type { SampledRead } from './read-sample';
import { everyOtherKey, type ScopeOf } from './scope-of';
import { isGoneForWitness, secondHead } from './second-head';
import type { Place } from './version-account';
import type { SampledHead, VersionSamples } from './version-samples';
import { type WalkedPage, walkVersions } from './version-walk';

export interface JudgeTools {
  readonly store: ObjectStore;
  readonly request: VerifyRequest;
  readonly call: Caller;
  /** Calls a request about the bucket; its faults end the verification. */
  readonly ofBucket: <T>(send: () => Promise<T>) => Promise<T>;
  readonly faultPolicy: FaultPolicy;
  readonly findings: Findings;
  readonly samples: VersionSamples;
  readonly refOf: (listed: ListedVersion) => VersionRef;
}

/** Where a version is settled from. */
export interface InspectedEntry {
  /** The page that listed it, with all versions of its key. */
  readonly page: WalkedPage;
  /** Where the version was settled before; absent: nowhere. */
  readonly was?: Place | undefined;
  /** Called with the answer of a HEAD. */
  readonly onHead?: ((listed: ListedVersion, head: ObjectHead) => void) | undefined;
}

/** Versions of a sample that are asked for at once. */
const SAMPLED_AT_ONCE = 16;
/** Milliseconds: LastModified has whole seconds. */
const SECOND = 1000;

/** Decides where each version is accounted for. */
export class VersionJudge {
  readonly #tools: JudgeTools;
  readonly #scopeOf: ScopeOf;
  readonly annotations: AnnotationCheck;
  /** Versions of the samples that are unknown already. */
  readonly #doubted = new Set<string>();
  read: BucketVerification['read'] = { versions: 0, bytes: 0 };
  secondHeads: BucketVerification['secondHeads'] = { versions: 0, contradictions: 0 };

  constructor(tools: JudgeTools) {
    const { activeKeyArn, scopeOf, movedBefore = Number.POSITIVE_INFINITY } = tools.request;
    this.#tools = tools;
    this.#scopeOf = scopeOf ?? everyOtherKey(activeKeyArn);
    this.annotations = new AnnotationCheck({ store: tools.store, call: tools.call, movedBefore });
  }

  /** Inspects one version and settles it. */
  async inspect(listed: ListedVersion, { page, was, onHead }: InspectedEntry): Promise<void> {
    const { store, call, faultPolicy, findings, refOf, samples } = this.#tools;
    const ref = refOf(listed);
    const inspection = await inspectVersion(store, call, ref, listed.size);
    if (was !== undefined) findings.account.unsettle(was);
    switch (inspection.found) {
      case 'gone':
        return this.#gone(ref, listed, page);
      case 'sse-c':
        findings.label(listed, 'SSE-C');
        samples.rehearsal.customerKey();
        return findings.settle('outOfScope', listed, 'SSE-C');
      case 'fault':
        // Throws where the fault is not this version's: without permission to inspect there is no verification.
        await faultPolicy.classify(inspection.fault, ref, undefined, async () => false);
        return findings.unknown(listed, faultText(inspection.fault));
      case 'head':
        faultPolicy.succeeded('HeadObject');
        onHead?.(listed, inspection.head);
        return this.#classify(ref, listed, inspection.head);
    }
  }

  /** Reads one sample, and repeats the HEADs of another. */
  async samples(): Promise<void> {
    const { reads, heads } = this.#tools.samples;
    await sideBySide(reads.chosen, SAMPLED_AT_ONCE, (one) => this.#readSampled(one));
    await sideBySide(heads.chosen, SAMPLED_AT_ONCE, (one) => this.#repeat(one));
  }

  /**
   * One answer that a version is gone is not enough: S3 must give it twice, to both clients, and a new listing of the place must
   * not hold the version. What that listing holds besides is inspected, unless it was listed with it.
   */
  async #gone(ref: VersionRef, listed: ListedVersion, page: WalkedPage): Promise<void> {
    const { store, call, findings, refOf } = this.#tools;
    if (!(await isGoneForWitness(store, call, ref))) {
      const reason = 'HeadObject reports that it is gone, and asked again through the AWS SDK it does not';
      return findings.unknown(listed, reason);
    }
    const present = await this.#versionsOf(ref);
    if (present.some((one) => isSame(one, listed))) {
      return findings.unknown(listed, 'HeadObject reports that it is gone, but it is still listed');
    }
    findings.gone(listed);
    for (const one of present) {
      if (page.versions.some((known) => isSame(known, one))) continue;
      findings.account.listed(1);
      await this.#added(refOf(one), one);
    }
  }

  /** A version that only a second listing of its key holds. */
  async #added(ref: VersionRef, listed: ListedVersion): Promise<void> {
    const { store, call, findings } = this.#tools;
    const inspection = await inspectVersion(store, call, ref, listed.size);
    if (inspection.found === 'head') return this.#classify(ref, listed, inspection.head);
    const text = inspection.found === 'fault' ? `: ${faultText(inspection.fault)}` : '';
    findings.unknown(listed, `a second listing of its key holds it, and HeadObject does not report its key${text}`);
  }

  async #versionsOf({ bucket, key }: VersionRef): Promise<readonly ListedVersion[]> {
    const { store, ofBucket } = this.#tools;
    const send = (part: object): Promise<VersionPage> =>
      ofBucket(() => store.witness.listVersions({ bucket, ...part }));
    const present: ListedVersion[] = [];
    for await (const { versions } of walkVersions(send, { prefix: key, to: key })) present.push(...versions);
    return present;
  }

  async #classify(ref: VersionRef, listed: ListedVersion, head: ObjectHead): Promise<void> {
    const { findings, request, samples } = this.#tools;
    const label = encryptionLabel(head.encryption);
    findings.label(listed, label);
    const other = otherVersion(ref, listed, head);
    if (other !== undefined) return findings.unknown(listed, other);
    const dates = [listed.lastModified, head.lastModified];
    const scope = this.#scopeOf({ encryption: head.encryption, dates });
    if (scope.scope === 'unknown') return findings.unknown(listed, scope.reason);
    if (scope.scope === 'left') {
      const { key, versionId, isLatest } = listed;
      const lastModified = new Date(head.lastModified).toISOString();
      return findings.left({ key, versionId, keyArn: holdingKey(head.encryption) ?? label, isLatest, lastModified });
    }
    const place = scope.scope === 'active' ? 'underActive' : 'outOfScope';
    findings.settle(place, listed, label);
    samples.rehearsal.offer(ref, head, place);
    const settled = { ref, listed, encryption: head.encryption, place } as const;
    // Nothing but the lack of headers names it: one answer that lacks them looks the same.
    if (head.encryption.kind === 'unencrypted') return this.#repeat(settled);
    samples.heads.offer(settled);
    if (place !== 'underActive') return;
    if (!(await this.annotations.check(ref, listed, head))) findings.doubt(listed);
    if (request.read === 'all') await this.#readSampled({ ref, head, whole: true });
    else samples.reads.offer(ref, head);
  }

  async #repeat(first: SampledHead): Promise<void> {
    const { store, call } = this.#tools;
    const second = await secondHead(store, call, first);
    const reason = second.found === 'gone' ? await this.#stillListed(first) : second.found === 'other' && second.reason;
    const { versions, contradictions } = this.secondHeads;
    this.secondHeads = { versions: versions + 1, contradictions: contradictions + (reason ? 1 : 0) };
    if (reason) this.#doubt(first.ref, reason, first.place);
  }

  async #stillListed({ ref, listed }: SampledHead): Promise<string | undefined> {
    const present = await this.#versionsOf(ref);
    if (!present.some((one) => isSame(one, listed))) return undefined;
    return 'HeadObject answers, asked again through the AWS SDK it reports that the version is gone, and it is still listed';
  }

  async #readSampled({ ref, head, whole }: SampledRead): Promise<void> {
    const { store, call } = this.#tools;
    try {
      const bytes = await call(
        'kms',
        () => (whole ? store.readAll(ref) : store.probe(ref, head.size).then(() => 1)),
        ref.key,
      );
      this.read = { versions: this.read.versions + 1, bytes: this.read.bytes + bytes };
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

  #unreadable(ref: VersionRef, why: string): void {
    this.#doubt(ref, `under the active key, but it cannot be read: ${why}`, 'underActive');
  }

  /** A version of a sample is unknown, once. */
  #doubt({ key, versionId = 'null' }: VersionRef, reason: string, was: Place): void {
    const id = `${versionId} ${key}`;
    if (this.#doubted.has(id)) return;
    this.#doubted.add(id);
    this.#tools.findings.unknown({ key, versionId }, reason, was);
  }
}

/** Why HEAD did not answer for the version that was listed; undefined: it did. */
function otherVersion(ref: VersionRef, listed: ListedVersion, head: ObjectHead): string | undefined {
  const { versionId = 'null' } = head;
  if (versionId !== (ref.versionId ?? 'null')) return `HeadObject answers for version ${versionId}`;
  if (head.etag === listed.etag) return undefined;
  // Only the null version can be written again, and then it is newer.
  const isReplaced = versionId === 'null' && head.lastModified + SECOND >= listed.lastModified && head.etag !== '';
  return isReplaced
    ? undefined
    : `HeadObject answers with the ETag ${head.etag || 'none'}, and ${listed.etag} is listed`;
}

/** The same version, and not one that took the place of a null version. */
function isSame(one: ListedVersion, other: ListedVersion): boolean {
  return one.key === other.key && one.versionId === other.versionId && one.etag === other.etag;
}
