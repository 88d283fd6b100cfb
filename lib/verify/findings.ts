import { BoundedList } from '../s3/bounded-list';
import type { ListedVersion } from '../s3/object-version';
import type { BucketVerification, StragglerVersion, UnknownVersion } from './bucket-verification';
import { AccountInMaking, type Place, type VersionAccount } from './version-account';

type Named = Pick<ListedVersion, 'key' | 'versionId'>;

/** Who is told what is found, as it is found. */
export interface FindingsListener {
  /** The encryption of an inspected version, whatever becomes of it. */
  onHead?(listed: ListedVersion, label: string): void;
  /** A version that is under the active key, or out of scope. */
  onSettled?(listed: ListedVersion, place: 'underActive' | 'outOfScope', label: string): void;
  /** A version that is neither, or that was settled and is in doubt. */
  onDoubt?(version: Named): void;
}

/** What a verification found, each version in one place of the account. */
export class Findings {
  readonly account = new AccountInMaking();
  readonly #listener: FindingsListener;
  readonly #byKey = new Map<string, number>();
  readonly #left = new BoundedList<StragglerVersion>();
  readonly #unknown = new BoundedList<UnknownVersion>();

  constructor(listener: FindingsListener = {}) {
    this.#listener = listener;
  }

  get progress(): string {
    return `${this.#left.total} left, ${this.#unknown.total} unknown`;
  }

  /** An encryption that a HEAD names, whatever becomes of the version. */
  label(listed: ListedVersion, label: string): void {
    this.#listener.onHead?.(listed, label);
    this.#byKey.set(label, (this.#byKey.get(label) ?? 0) + 1);
  }

  /** @param label - how the version is encrypted */
  settle(place: 'underActive' | 'outOfScope', listed: ListedVersion, label: string): void {
    this.account.settle(place);
    this.#listener.onSettled?.(listed, place, label);
  }

  gone(version: Named): void {
    this.account.settle('gone');
    this.doubt(version);
  }

  /** What was found of a version may be otherwise when it is asked for again. */
  doubt(version: Named): void {
    this.#listener.onDoubt?.(version);
  }

  /** Versions that were listed and not inspected now were settled before. */
  carry(place: 'underActive' | 'outOfScope', versions: number): void {
    this.account.carry(place, versions);
  }

  /** Counts versions under the encryption that a HEAD named before. */
  carryLabel(label: string, versions: number): void {
    if (versions > 0) this.#byKey.set(label, (this.#byKey.get(label) ?? 0) + versions);
  }

  left(version: StragglerVersion): void {
    this.account.settle('left');
    this.doubt(version);
    this.#left.add(version);
  }

  /** @param was - where the version was settled before; absent: nowhere */
  unknown({ key, versionId }: Named, reason: string, was?: Place): void {
    if (was === undefined) this.account.settle('unknown');
    else this.account.move(was, 'unknown');
    this.doubt({ key, versionId });
    this.#unknown.add({ key, versionId, reason });
  }

  /** The totals are the account's: the lists are cut off. */
  found(
    account: VersionAccount,
  ): Pick<BucketVerification, 'objectVersions' | 'byKey' | 'left' | 'leftTotal' | 'unknown' | 'unknownTotal'> {
    return {
      objectVersions: account.listed,
      byKey: Object.fromEntries(this.#byKey),
      left: this.#left.first,
      leftTotal: account.left,
      unknown: this.#unknown.first,
      unknownTotal: account.unknown,
    };
  }
}
