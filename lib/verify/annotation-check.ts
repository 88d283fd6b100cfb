import { BoundedList } from '../s3/bounded-list';
import type { ListedVersion, ObjectHead, VersionRef } from '../s3/object-version';
import type { Caller } from '../s3/pacing-and-retry';
import type { ObjectStore } from '../s3/store';
import { asFault, faultKind, faultText } from '../s3/store-fault';

/**
 * Annotations of versions under the active key that may have been moved there. HEAD names the key of the object only,
 * and AWS does not say that a rewrap moves annotations. They may still be under the key that the object was under.
 */
export interface AnnotationFindings {
  /** Versions that S3 was asked about. */
  readonly asked: number;
  /** The first 1,000 of `annotatedTotal`. */
  readonly annotated: readonly Pick<ListedVersion, 'key' | 'versionId'>[];
  readonly annotatedTotal: number;
  /** Versions that may have annotations: S3 did not answer, or was not asked. The first 1,000 of `unknownTotal`. */
  readonly unknown: readonly UnansweredVersion[];
  readonly unknownTotal: number;
}

/** A version of which S3 did not say whether it has annotations. */
export interface UnansweredVersion extends Pick<ListedVersion, 'key' | 'versionId'> {
  readonly reason: string;
}

export interface AnnotationTools {
  readonly store: Pick<ObjectStore, 'annotated'>;
  readonly call: Caller;
  /** Milliseconds since the epoch: a version that S3 dates before it may have been moved to the active key. */
  readonly movedBefore: number;
}

/** Asks for annotations, one request a version, until the endpoint turns out to know none or the identity may not ask. */
export class AnnotationCheck {
  readonly #tools: AnnotationTools;
  readonly #annotated = new BoundedList<Pick<ListedVersion, 'key' | 'versionId'>>();
  readonly #unknown = new BoundedList<UnansweredVersion>();
  #asked = 0;
  #isSupported: boolean | undefined;
  /** Why nobody may ask; an answer to any request shows that somebody may. */
  #denied: string | undefined;

  constructor(tools: AnnotationTools) {
    this.#tools = tools;
  }

  /**
   * @returns true: the version has no annotations that matter, as far as S3 says
   * @throws StoreFault only for the credentials
   */
  async check(ref: VersionRef, { key, versionId, lastModified }: ListedVersion, head: ObjectHead): Promise<boolean> {
    const { store, call, movedBefore } = this.#tools;
    if (this.#isSupported === false) return true;
    // A date that is missing or cannot be read shows nothing.
    if ([lastModified, head.lastModified].every((date) => date >= movedBefore)) return true;
    const unknown = (reason: string): false => {
      this.#unknown.add({ key, versionId, reason });
      return false;
    };
    if (this.#denied !== undefined && this.#isSupported === undefined) return unknown(this.#denied);
    this.#asked += 1;
    try {
      const ask = () => call('s3', () => store.annotated(ref), ref.key);
      const first = await ask();
      // One answer that the endpoint knows no annotations is not enough: nobody asks again after it.
      const answer = first === 'unsupported' && this.#isSupported !== true ? await ask() : first;
      if (answer === true) this.#annotated.add({ key, versionId });
      if (answer !== 'unsupported') this.#isSupported = true;
      else if (this.#isSupported === undefined) this.#isSupported = false;
      if (first === answer && (answer !== 'unsupported' || !this.#isSupported)) return answer !== true;
      return unknown('S3 knows annotations by one answer, and by another it does not');
    } catch (error) {
      const fault = asFault(error);
      const kind = fault && faultKind(fault);
      if (!fault || kind === 'credentials') throw error;
      if (kind === 'gone') return true;
      if (kind === 'denied') this.#denied = faultText(fault);
      return unknown(faultText(fault));
    }
  }

  /** @param notInspected - versions that only manifests of S3 account for: nobody asked about them */
  found(notInspected: number): AnnotationFindings {
    const unasked = this.#isSupported === false ? 0 : notInspected;
    return {
      asked: this.#asked,
      annotated: this.#annotated.first,
      annotatedTotal: this.#annotated.total,
      unknown: this.#unknown.first,
      unknownTotal: this.#unknown.total + unasked,
    };
  }
}
