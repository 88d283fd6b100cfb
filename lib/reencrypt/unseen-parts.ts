import type { ObjectHead, ObjectLock, VersionRef } from '../s3/object-version';
import type { Versioning } from '../s3/store';
import { asFault, faultKind, faultText } from '../s3/store-fault';
import type { MoveContext } from './rewrap';

/** What HEAD does not show of a version, and a move would lose or leave under the old key. */
export type Unseen =
  | { readonly found: 'nothing'; readonly tags: Readonly<Record<string, string>> | undefined }
  /** A lock that HEAD withheld. */
  | { readonly found: 'lock'; readonly lock: ObjectLock }
  | { readonly found: 'annotations' }
  /** The version cannot be moved whole. */
  | { readonly found: 'uncarried'; readonly operation: string; readonly reason: string };

export interface UnseenRequest {
  readonly method: 'rewrap' | 'rewrite';
  readonly versioning: Versioning;
}

/**
 * Asks for what HEAD hides, before a version is moved: S3 leaves out of a HEAD what the caller may not read, so that an object with
 * tags or a hold looks like one without, and it never shows annotations.
 *
 * @throws StoreFault
 */
export class UnseenParts {
  readonly #context: MoveContext;
  readonly #request: UnseenRequest;
  /** Set by the first answer: one bucket has object lock or has none, one endpoint knows annotations or does not. */
  #hasLock: Promise<boolean> | undefined;
  #hasAnnotations: Promise<boolean> | undefined;

  constructor(context: MoveContext, request: UnseenRequest) {
    this.#context = context;
    this.#request = request;
  }

  async of(ref: VersionRef, head: ObjectHead): Promise<Unseen> {
    const { method, versioning } = this.#request;
    const inParts = method === 'rewrite' && head.size > this.#context.copySizes.multipartAbove;
    // Only a bucket with versions can have object lock, and S3 itself refuses to rewrap what is locked.
    if (method === 'rewrite' && versioning === 'enabled') {
      const lock = await this.#lock(ref, head);
      if (lock) return { found: 'lock', lock };
    }
    // One CopyObject carries annotations, or fails.
    if ((inParts || method === 'rewrap') && (await this.isAnnotated(ref))) return { found: 'annotations' };
    return inParts ? this.#tags(ref, head) : { found: 'nothing', tags: undefined };
  }

  async #lock(ref: VersionRef, head: ObjectHead): Promise<ObjectLock | undefined> {
    const { store, call } = this.#context;
    const known = this.#hasLock;
    if (known && !(await known)) return undefined;
    const asked = call('s3', () => store.legalHold(ref), ref.key);
    this.#hasLock ??= asked.then((answer) => answer !== 'no-lock');
    this.#hasLock.catch(() => {
      this.#hasLock = undefined;
    });
    const legalHold = await asked;
    if (legalHold === 'no-lock') return undefined;
    const retention = await call('s3', () => store.retention(ref), ref.key);
    if (retention === 'no-lock') return undefined;
    const lock = { mode: undefined, until: undefined, eventHold: false, ...retention, legalHold };
    return isSeen(lock, head.lock) ? undefined : lock;
  }

  /** Whether a version has annotations. @throws StoreFault */
  async isAnnotated(ref: VersionRef): Promise<boolean> {
    const { store, call } = this.#context;
    const known = this.#hasAnnotations;
    if (known && !(await known)) return false;
    const asked = call('s3', () => store.annotated(ref), ref.key);
    this.#hasAnnotations ??= asked.then((answer) => answer !== 'unsupported');
    this.#hasAnnotations.catch(() => {
      this.#hasAnnotations = undefined;
    });
    return (await asked) === true;
  }

  /** A copy in parts sets tags and metadata itself: what it cannot read it would lose. */
  async #tags(ref: VersionRef, head: ObjectHead): Promise<Unseen> {
    const { store, call } = this.#context;
    if (head.content.hiddenMetadata > 0) {
      const reason = `HEAD does not show ${head.content.hiddenMetadata} entries of its metadata, which a copy in parts would lose`;
      return { found: 'uncarried', operation: 'HeadObject', reason };
    }
    try {
      return { found: 'nothing', tags: await call('s3', () => store.tags(ref), ref.key) };
    } catch (error) {
      const fault = asFault(error);
      if (!fault || faultKind(fault) !== 'denied') throw error;
      const action = ref.versionId === undefined ? 's3:GetObjectTagging' : 's3:GetObjectVersionTagging';
      const reason = `${action} is missing, and without it a copy in parts would lose the tags: ${faultText(fault)}`;
      return { found: 'uncarried', operation: 'GetObjectTagging', reason };
    }
  }
}

/** True where HEAD showed the same lock, so that it was decided upon already. */
function isSeen(lock: ObjectLock, seen: ObjectLock | undefined): boolean {
  const nothing = { mode: undefined, until: undefined, legalHold: false, eventHold: false };
  const { mode, legalHold, eventHold } = seen ?? nothing;
  return mode === lock.mode && legalHold === lock.legalHold && eventHold === lock.eventHold;
}
