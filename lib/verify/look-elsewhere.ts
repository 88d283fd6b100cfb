import type { LookPlan, LookRecord } from '../s3/look-record';
import type { ListedVersion, ObjectHead } from '../s3/object-version';
import type { ObjectStore } from '../s3/store';
import { versionScope } from '../s3/version-scope';
import type { VerifyRequest } from './bucket-verification';
import { LookRecorder } from './look-recorder';
import { isArchived } from './read-sample';
import { VersionSamples } from './version-samples';
import { VersionScanner } from './version-scanner';
import type { WalkRange } from './version-walk';

/**
 * Looks at versions behind a move for the verification that another process makes. It inspects as that one does, and reports what it found
 * after each range. It chooses no samples and draws no conclusion.
 */
export class LookElsewhere {
  readonly #plan: LookPlan;
  readonly #uploadKeys: ReadonlySet<string>;
  readonly #scanner: VersionScanner;
  readonly #recorder = new LookRecorder();
  readonly #onFound: (record: LookRecord) => void;
  #begun: Promise<unknown> | undefined;

  constructor(
    store: ObjectStore,
    request: Pick<VerifyRequest, 'bucket' | 'concurrency' | 'maxRps' | 'pace' | 'retry'>,
    plan: LookPlan,
    onFound: (record: LookRecord) => void,
  ) {
    const { scope, uploadKeys, rehearse, movedBefore } = plan;
    const { activeKeyArn } = scope;
    const whole: VerifyRequest = {
      ...request,
      activeKeyArn,
      movedBefore,
      scopeOf: versionScope.bind(undefined, scope),
      read: 0,
      secondHeads: 0,
    };
    this.#plan = plan;
    this.#uploadKeys = new Set(uploadKeys);
    this.#onFound = onFound;
    const listener = {
      onSettled: (listed: ListedVersion, place: 'underActive' | 'outOfScope', label: string) => {
        this.#recorder.settled(listed, { place, label });
        if (rehearse > 0 && label === 'SSE-C') this.#recorder.doubt(listed);
      },
      onDoubt: (version: Pick<ListedVersion, 'key' | 'versionId'>) => this.#recorder.doubt(version),
    };
    this.#scanner = new VersionScanner(store, whole, listener, new VersionSamples(whole));
  }

  get requests(): number {
    return this.#scanner.requests;
  }

  /** @returns false: the range was not inspected to its end */
  async look(range: WalkRange, onHead: (listed: ListedVersion, head: ObjectHead) => void): Promise<boolean> {
    const pick = (version: ListedVersion) => (this.#isForTheEnd(version) ? undefined : 'behind the move');
    try {
      this.#begun ??= this.#scanner.begin();
      await this.#begun;
      await this.#scanner.scanRange(range, pick, (listed, head) => {
        if (this.#plan.rehearse > 0 && isArchived(head)) this.#recorder.doubt(listed);
        onHead(listed, head);
      });
      return true;
    } catch {
      // It is no fault of the move. What is not reported is inspected at the end, which then fails of itself where it must.
      return false;
    } finally {
      this.#onFound(this.#recorder.take(this.#scanner));
    }
  }

  #isForTheEnd({ key, lastModified }: ListedVersion): boolean {
    return lastModified <= 0 || lastModified >= this.#plan.until || this.#uploadKeys.has(key);
  }
}
