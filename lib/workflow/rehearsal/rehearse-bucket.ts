import { throwIfInterrupted } from '../../errors';
import { AdaptiveLimiter } from '../../s3/adaptive-limiter';
import { readAnnotation } from '../../s3/annotations';
import type { VersionRef } from '../../s3/object-version';
import { type Caller, withPacingAndRetry } from '../../s3/pacing-and-retry';
import type { ObjectStore } from '../../s3/store';
import { asFault, faultKind, faultText } from '../../s3/store-fault';
import type { ToRehearse, VersionToRead } from '../../verify/rehearsal-sample';
import type { Denied, ReaderSessions } from './reader-sessions';

/** A version that a rehearsal could not read, and what S3 answered. */
export interface Unread {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly why: string;
}

/** What a rehearsal read of one bucket. */
export interface RehearsedBucket {
  readonly bucket: string;
  /** Versions that the verification found. */
  readonly objectVersions: number;
  /** Versions that were read without the old key: of the sample, and of those in doubt. */
  readonly read: number;
  /** Those of them that are in doubt. */
  readonly inDoubt: number;
  /** Readable with the old key and not without it. */
  readonly failed: readonly Unread[];
  /** Not readable by the role, with or without the old key, although it should be. */
  readonly unreadable: readonly Unread[];
  /** Under other keys, and not for this role. */
  readonly outOfReach: number;
  readonly archived: number;
  readonly customerKey: number;
  /** Deleted since the verification. */
  readonly gone: number;
  /** Annotations of versions that were moved, read without the old key. */
  readonly annotations: number;
  /** Annotations that the role cannot read with any key, or that could not be listed. */
  readonly annotationsOutOfReach: number;
  /** A version that was refused once the session was denied the active key: S3 asks KMS for this role. Absent: none was tried. */
  readonly refusedWithoutActive: Omit<Unread, 'why'> | undefined;
  /** A version that was readable all the same: then S3 does not ask KMS, and the reads show nothing. */
  readonly readWithoutActive: Omit<Unread, 'why'> | undefined;
}

export interface BucketToRehearse {
  readonly bucket: string;
  readonly objectVersions: number;
  readonly sample: ToRehearse;
  /** Versions that the verification or the re-encryption is in doubt about. */
  readonly inDoubt: readonly Pick<VersionToRead, 'key' | 'versionId'>[];
  /** Versions under the active key with annotations, which may have been left under the old one. */
  readonly annotated: readonly Pick<VersionToRead, 'key' | 'versionId'>[];
}

interface Tools {
  readonly sessions: ReaderSessions;
  /** Keyturn's own, which may list the bucket: to a reader S3 may answer 403 for what is gone. */
  readonly own: ObjectStore;
  /** Names of the annotations of a version, by the same identity. */
  annotationsOf(ref: VersionRef, most: number): Promise<readonly string[]>;
  readonly signal: AbortSignal | undefined;
}

/** Reads at once. Each listens to the signal of the clients. */
const AT_ONCE = 4;
/** Annotated versions that are read, and annotations of each. */
const ANNOTATED = 50;
const ANNOTATIONS = 10;
/** Versions that the counter-test tries. */
const COUNTER_TESTS = 3;

/** Reads what is chosen of a bucket as the readers' role, without the old key. @throws as AssumeRole does, and interrupted */
export async function rehearseBucket(asked: BucketToRehearse, tools: Tools): Promise<RehearsedBucket> {
  return new BucketReader(asked, tools).run();
}

type Answer = 'read' | 'gone' | 'archived' | { readonly refused: string; readonly isDenied: boolean };

class BucketReader {
  readonly #asked: BucketToRehearse;
  readonly #tools: Tools;
  readonly #call: Caller;
  readonly #failed: Unread[] = [];
  readonly #unreadable: Unread[] = [];
  readonly #readable: VersionToRead[] = [];
  #counts = { read: 0, inDoubt: 0, outOfReach: 0, archived: 0, gone: 0, annotations: 0, annotationsOutOfReach: 0 };

  constructor(asked: BucketToRehearse, tools: Tools) {
    this.#asked = asked;
    this.#tools = tools;
    this.#call = withPacingAndRetry(new AdaptiveLimiter({ maxConcurrency: AT_ONCE }), {}, tools.signal);
  }

  async run(): Promise<RehearsedBucket> {
    const { bucket, objectVersions, sample } = this.#asked;
    const doubtful = this.#doubtful();
    const isDoubtful = new Set(doubtful.map(idOf));
    const others = (from: readonly VersionToRead[]) => from.filter((one) => !isDoubtful.has(idOf(one)));
    await this.#each(doubtful, (one) => this.#one(one, 'in doubt'));
    await this.#each(others(sample.underActive), (one) => this.#one(one, 'under the active key'));
    await this.#each(others(sample.outOfScope), (one) => this.#one(one, 'out of scope'));
    await this.#each(this.#named(this.#asked.annotated).slice(0, ANNOTATED), (one) => this.#annotationsOf(one));
    const counter = await this.#counterTest();
    const { archived, ...counts } = this.#counts;
    return {
      bucket,
      objectVersions,
      ...counts,
      failed: this.#failed,
      unreadable: this.#unreadable,
      archived: archived + sample.archived,
      customerKey: sample.customerKey,
      ...counter,
    };
  }

  /** Each once, named as requests name it. */
  #doubtful(): readonly VersionToRead[] {
    return [...new Map(this.#named(this.#asked.inDoubt).map((one) => [idOf(one), one])).values()];
  }

  #named(versions: BucketToRehearse['inDoubt']): readonly VersionToRead[] {
    const unversioned = this.#asked.sample.versioning === 'unversioned';
    return versions.map(({ key, versionId }) => ({
      key,
      versionId: unversioned ? undefined : versionId,
      size: 1,
    }));
  }

  async #each(versions: readonly VersionToRead[], work: (one: VersionToRead) => Promise<void>): Promise<void> {
    for (let from = 0; from < versions.length; from += AT_ONCE) {
      throwIfInterrupted(this.#tools.signal, 'the dress rehearsal');
      await Promise.all(versions.slice(from, from + AT_ONCE).map(work));
    }
  }

  async #one(one: VersionToRead, is: 'in doubt' | 'under the active key' | 'out of scope'): Promise<void> {
    const answer = await this.#read(one, 'old');
    const { key, versionId } = one;
    if (answer === 'archived') this.#counts.archived += 1;
    else if (answer === 'read') {
      this.#counts.read += 1;
      if (is === 'in doubt') this.#counts.inDoubt += 1;
      if (is === 'under the active key') this.#readable.push(one);
    } else if (await this.#isGone(one)) this.#counts.gone += 1;
    else {
      const why = answer === 'gone' ? 'GetObject reports that it is gone, and HeadObject does not' : answer.refused;
      if ((await this.#read(one, 'nothing')) === 'read') this.#failed.push({ key, versionId, why });
      else if (is === 'out of scope') this.#counts.outOfReach += 1;
      else this.#unreadable.push({ key, versionId, why });
    }
  }

  /** HEAD does not show the key of an annotation: only a read without the old one tells. */
  async #annotationsOf(one: VersionToRead): Promise<void> {
    const ref = this.#refOf(one);
    let names: readonly string[];
    try {
      names = await this.#call('s3', () => this.#tools.annotationsOf(ref, ANNOTATIONS));
    } catch (error) {
      throwIfInterrupted(this.#tools.signal, 'the dress rehearsal');
      if (!asFault(error)) throw error;
      this.#counts.annotationsOutOfReach += 1;
      return;
    }
    for (const name of names) {
      const refused = await this.#annotationRefused(ref, name, 'old');
      if (refused === undefined) this.#counts.annotations += 1;
      else if ((await this.#annotationRefused(ref, name, 'nothing')) === undefined) {
        const why = `its annotation ${JSON.stringify(name)}: ${refused}`;
        this.#failed.push({ key: one.key, versionId: one.versionId, why });
      } else this.#counts.annotationsOutOfReach += 1;
    }
  }

  /** What S3 answers where the role cannot read the annotation; undefined: it can. */
  async #annotationRefused(ref: VersionRef, name: string, denied: Denied): Promise<string | undefined> {
    const { clients } = await this.#tools.sessions.of(denied);
    try {
      await this.#call('kms', () => readAnnotation(clients.s3, ref, name, this.#tools.signal));
      return undefined;
    } catch (error) {
      throwIfInterrupted(this.#tools.signal, 'the dress rehearsal');
      const fault = asFault(error);
      if (!fault) throw error;
      return faultText(fault);
    }
  }

  /** Denied the active key, the role must not be able to read what is under it: otherwise no denial of the old key shows anything. */
  async #counterTest(): Promise<Pick<RehearsedBucket, 'refusedWithoutActive' | 'readWithoutActive'>> {
    for (const one of this.#readable.slice(0, COUNTER_TESTS)) {
      const answer = await this.#read(one, 'active');
      const tested = { key: one.key, versionId: one.versionId };
      if (answer === 'read') return { refusedWithoutActive: undefined, readWithoutActive: tested };
      if (typeof answer === 'object' && answer.isDenied) {
        return { refusedWithoutActive: tested, readWithoutActive: undefined };
      }
    }
    return { refusedWithoutActive: undefined, readWithoutActive: undefined };
  }

  async #read(one: VersionToRead, denied: Denied): Promise<Answer> {
    const { store } = await this.#tools.sessions.of(denied);
    try {
      await this.#call('kms', () => store.probe(this.#refOf(one), one.size));
      return 'read';
    } catch (error) {
      throwIfInterrupted(this.#tools.signal, 'the dress rehearsal');
      const fault = asFault(error);
      if (!fault) throw error;
      // The size of a version in doubt is not known, and an empty one has no first byte.
      if (fault.status === 416 && one.size > 0) return this.#read({ ...one, size: 0 }, denied);
      if (fault.code === 'InvalidObjectState') return 'archived';
      const kind = faultKind(fault);
      return kind === 'gone' ? 'gone' : { refused: faultText(fault), isDenied: kind === 'denied' };
    }
  }

  async #isGone(one: VersionToRead): Promise<boolean> {
    const { own } = this.#tools;
    try {
      await this.#call('s3', () => own.head(this.#refOf(one)));
      return false;
    } catch (error) {
      const fault = asFault(error);
      return fault !== undefined && faultKind(fault) === 'gone';
    }
  }

  #refOf({ key, versionId }: VersionToRead): VersionRef {
    return { bucket: this.#asked.bucket, key, versionId };
  }
}

const idOf = ({ key, versionId }: Pick<VersionToRead, 'key' | 'versionId'>): string => `${versionId ?? ''} ${key}`;
