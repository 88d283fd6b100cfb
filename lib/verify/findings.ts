import { BoundedList } from '../s3/bounded-list';
import type { ListedVersion } from '../s3/object-version';
import type { BucketVerification, StragglerVersion, UnknownVersion } from './bucket-verification';
import { AccountInMaking, type Place, type VersionAccount } from './version-account';

type Named = Pick<ListedVersion, 'key' | 'versionId'>;

/** What a verification found, each version in one place of the account. */
export class Findings {
  readonly account = new AccountInMaking();
  readonly #onHead: (listed: ListedVersion, label: string) => void;
  readonly #byKey = new Map<string, number>();
  readonly #left = new BoundedList<StragglerVersion>();
  readonly #unknown = new BoundedList<UnknownVersion>();

  constructor(onHead: (listed: ListedVersion, label: string) => void) {
    this.#onHead = onHead;
  }

  get progress(): string {
    return `${this.#left.total} left, ${this.#unknown.total} unknown`;
  }

  /** An encryption that a HEAD names, whatever becomes of the version. */
  label(listed: ListedVersion, label: string): void {
    this.#onHead(listed, label);
    this.#byKey.set(label, (this.#byKey.get(label) ?? 0) + 1);
  }

  settle(place: Exclude<Place, 'left' | 'unknown' | 'notInspected'>): void {
    this.account.settle(place);
  }

  left(version: StragglerVersion): void {
    this.account.settle('left');
    this.#left.add(version);
  }

  /** @param was - where the version was settled before; absent: nowhere */
  unknown({ key, versionId }: Named, reason: string, was?: Place): void {
    if (was === undefined) this.account.settle('unknown');
    else this.account.move(was, 'unknown');
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
