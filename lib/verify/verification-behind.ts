import { randomInt } from 'node:crypto';
import type { AdaptiveLimiter } from '../s3/adaptive-limiter';
import { CLOCK_SLACK } from '../s3/clock-slack';
import { LOOK_GROUPS, type LookPlan, type LookRecord } from '../s3/look-record';
import type { ListedVersion, ObjectHead } from '../s3/object-version';
import type { ObjectStore } from '../s3/store';
import type { MoveScope } from '../s3/version-scope';
import type { BucketVerification, VerificationStart, VerifyRequest } from './bucket-verification';
import { isArchived } from './read-sample';
import { EVERY_VERSION, verificationFault, verifyBucket } from './verify-bucket';
import { entryNumber, VersionGroups } from './version-groups';
import { VersionSamples } from './version-samples';
import { VersionScanner } from './version-scanner';
import type { WalkRange } from './version-walk';

/** Groups of versions: of a bucket in which a few of a million changed, few groups did. One that is inspected in one go needs few. */
const [GROUPS, FEW_GROUPS] = [LOOK_GROUPS, 256];
/** Entries of the last listing that are remembered as inspected; of what is beyond, some may be inspected twice, and count twice. */
const MAX_REMEMBERED = 100_000;
/** Versions, about, that other processes inspected and that are inspected again: more than all samples together hold. */
const RELOOKED = 400;
const PLACES = ['underActive', 'outOfScope'] as const;

/** Why a version is inspected. */
const BEHIND = 'behind the move';
const AGAIN = 'changed, or not settled, since it was inspected behind the move';

/** What was in the bucket before anything was moved. */
interface Before extends VerificationStart {
  /** Milliseconds since the epoch: what S3 dates later is inspected at the end alone. */
  readonly until: number;
  /** Keys of uploads that were open: their objects bear the date at which they were begun. */
  readonly uploadKeys: ReadonlySet<string>;
}

/**
 * Verifies a bucket while it is re-encrypted: inspects each range of keys once something has dealt with it, and at the end whatever may be
 * otherwise by then. It takes nothing from what moves the versions. Only the ranges come from there, and they need not be right: at the
 * end the bucket is listed anew, and inspected is each version
 * - that S3 dates since the beginning, does not date, or that belongs to an upload that was open then,
 * - of a group in which that listing does not hold exactly what was inspected: keys, version ids, ETags and dates,
 * - of a group in which anything was left, unknown, gone or in doubt.
 *
 * So a key that no range covered, that two covered, or that changed behind one is inspected as if nobody had looked before.
 */
export class VerificationBehind {
  readonly #store: ObjectStore;
  readonly #request: VerifyRequest;
  readonly #scanner: VersionScanner;
  readonly #samples: VersionSamples;
  readonly #scope: MoveScope | undefined;
  readonly #elsewhere = {
    requests: 0,
    secondHeads: { versions: 0, contradictions: 0 },
    askedForAnnotations: 0,
    versions: 0,
  };
  #groups: VersionGroups | undefined;
  #before: Before | undefined;
  #fault: unknown;
  readonly #looks = new Set<Promise<boolean>>();

  /** @param scope - what `scopeOf` of the request decides by, so that other processes can decide alike. Default: none looks */
  constructor(store: ObjectStore, request: VerifyRequest, pace?: AdaptiveLimiter, scope?: MoveScope) {
    const { rehearse = 0 } = request;
    this.#scope = scope;
    this.#store = store;
    this.#request = request;
    this.#samples = new VersionSamples(request);
    const listener = {
      onSettled: (listed: ListedVersion, place: string, label: string) => {
        this.#groups?.add(listed, place, labelName(label));
        // How many of them there are is counted at the end.
        if (rehearse > 0 && label === 'SSE-C') this.#groups?.doubt(listed);
      },
      onDoubt: (version: Pick<ListedVersion, 'key' | 'versionId'>) => this.#groups?.doubt(version),
    };
    this.#scanner = new VersionScanner(store, { ...request, pace }, listener, this.#samples);
  }

  /** Requests sent before the end. */
  get requests(): number {
    return this.#scanner.requests;
  }

  /** What a process has to know that looks behind the move for this verification; absent: none can. After {@link begin}. */
  get plan(): LookPlan | undefined {
    if (this.#scope === undefined || this.#before === undefined) return undefined;
    const { until, uploadKeys } = this.#before;
    const { rehearse = 0, movedBefore } = this.#request;
    return { scope: this.#scope, until, uploadKeys: [...uploadKeys], rehearse, movedBefore };
  }

  /** Adds what another process found. What it reports twice, or not at all, is inspected at the end. */
  merge({ groups, high, low, kindOf, kinds, doubted, ...counts }: LookRecord): void {
    const { requests, secondHeads, askedForAnnotations } = counts;
    this.#elsewhere.requests += requests;
    this.#elsewhere.secondHeads.versions += secondHeads.versions;
    this.#elsewhere.secondHeads.contradictions += secondHeads.contradictions;
    this.#elsewhere.askedForAnnotations += askedForAnnotations;
    this.#groups ??= new VersionGroups(GROUPS);
    const own = this.#groups;
    if (own.size !== GROUPS) return;
    this.#elsewhere.versions += groups.length;
    groups.forEach((group, at) => {
      const kind = kinds[kindOf[at] ?? kinds.length];
      if (!kind) own.doubtGroup(group);
      else own.addEntry({ group, high: high[at] ?? 0, low: low[at] ?? 0 }, [kind.place, labelName(kind.label)]);
    });
    for (const group of doubted) own.doubtGroup(group);
  }

  /** Before anything is moved. A fault is no fault of the move: everything is verified after it then. */
  async begin(): Promise<void> {
    await this.#safely(async () => {
      const start = await this.#scanner.begin();
      const { total, first } = start.uploads;
      if (total > first.length) return;
      this.#before = { ...start, until: start.at - CLOCK_SLACK, uploadKeys: new Set(first.map(({ key }) => key)) };
    });
  }

  /**
   * Inspects what is in a range of keys, except for what is inspected at the end anyway.
   *
   * @param onHead - called with the answer of each HEAD
   * @returns false: the range was not inspected to its end
   */
  async look(
    range: WalkRange,
    onHead: (listed: ListedVersion, head: ObjectHead) => void = () => undefined,
  ): Promise<boolean> {
    const { rehearse = 0 } = this.#request;
    if (this.#before === undefined || this.#fault !== undefined) return false;
    const isWhole = range.behind === undefined && range.to === undefined;
    this.#groups ??= new VersionGroups(isWhole ? FEW_GROUPS : GROUPS);
    const pick = (version: ListedVersion) => (this.#isForTheEnd(version) ? undefined : BEHIND);
    const look = this.#safely(() =>
      this.#scanner.scanRange(range, pick, (listed, head) => {
        if (rehearse > 0 && isArchived(head)) this.#groups?.doubt(listed);
        onHead(listed, head);
      }),
    );
    this.#looks.add(look);
    return look.finally(() => this.#looks.delete(look));
  }

  /**
   * Lists the bucket and inspects what may be otherwise by now; all of it where nothing was inspected behind the move, or not safely.
   *
   * @param request - what is known since: the listing of the re-encryption
   * @throws as {@link verifyBucket}
   */
  async finish(request: VerifyRequest): Promise<BucketVerification> {
    await Promise.all(this.#looks);
    const groups = this.#groups;
    if (groups) this.#doubtSome(groups);
    if (this.#before === undefined || this.#fault !== undefined || !groups) return verifyBucket(this.#store, request);
    try {
      return await this.#finish(request, groups);
    } catch (error) {
      throw verificationFault(error, request);
    }
  }

  async #finish(request: VerifyRequest, groups: VersionGroups): Promise<BucketVerification> {
    const scanner = new VersionScanner(this.#store, request, {}, this.#samples);
    const start = await scanner.begin();
    const dropStale = this.#samples.staleLater();
    const [now, inspected] = [new VersionGroups(groups.size), new Set<number>()];
    const listed = await scanner.scanListing((version) => {
      if (!this.#isForTheEnd(version) && !groups.isDoubted(groups.groupOf(version))) {
        now.add(version);
        return undefined;
      }
      if (inspected.size < MAX_REMEMBERED) inspected.add(entryNumber(version));
      return AGAIN;
    });
    const differing = differingGroups(groups, now);
    const relisted =
      differing.size > 0 ? await this.#relist(scanner, { groups, now, differing, inspected }) : NO_CHANGE;
    const isClean = (group: number) => !groups.isDoubted(group) && !differing.has(group);
    let asThen = 0;
    for (const place of PLACES) {
      const versions = groups.total(place, isClean);
      scanner.findings.carry(place, versions);
      asThen += versions;
    }
    for (const name of groups.names) {
      const label = labelOf(name);
      if (label !== undefined) scanner.findings.carryLabel(label, groups.total(name, isClean));
    }
    dropStale((version) => !isClean(groups.groupOf(version)));
    const versions = listed.versions + relisted.more;
    const found = await scanner.report(start, { ...listed, versions, lost: relisted.lost }, 'every-key', EVERY_VERSION);
    return this.#withLooks(found, asThen);
  }

  /** Other processes choose no samples: some groups of what they inspected, at random, are inspected again, and chosen from. */
  #doubtSome(groups: VersionGroups): void {
    const { versions } = this.#elsewhere;
    if (versions === 0) return;
    const some = Math.min(groups.size, Math.ceil((RELOOKED * groups.size) / versions));
    for (let nth = 0; nth < some; nth += 1) groups.doubtGroup(randomInt(groups.size));
  }

  /** Inspects the groups in which the last listing does not hold what was inspected. Of these, one more listing counts. */
  async #relist(
    scanner: VersionScanner,
    { groups, now, differing, inspected }: Differing,
  ): Promise<{ readonly more: number; readonly lost: number }> {
    const again = new Map<number, number>();
    await scanner.scanAgain((version) => {
      const group = groups.groupOf(version);
      if (!differing.has(group)) return false;
      // A version that the last listing dated otherwise was not inspected by it.
      if (this.#isForTheEnd(version)) return inspected.has(entryNumber(version)) ? false : 'listed once more';
      again.set(group, (again.get(group) ?? 0) + 1);
      return 'not inspected';
    }, AGAIN);
    let [more, lost] = [0, 0];
    for (const group of differing) {
      const difference = (again.get(group) ?? 0) - now.versions(group);
      more += difference;
      lost += Math.max(0, -difference);
    }
    scanner.findings.account.relist(more);
    return { more, lost };
  }

  #withLooks(found: BucketVerification, asThen: number): BucketVerification {
    const { secondHeads: first, requests, askedForAnnotations } = this.#scanner;
    const elsewhere = this.#elsewhere;
    const atTheEnd = found.sources.heads[AGAIN] ?? 0;
    const heads = { ...found.sources.heads, ...(asThen > 0 ? { [BEHIND]: asThen } : {}) };
    return {
      ...found,
      secondHeads: {
        versions: found.secondHeads.versions + first.versions + elsewhere.secondHeads.versions,
        contradictions: found.secondHeads.contradictions + first.contradictions + elsewhere.secondHeads.contradictions,
      },
      annotations: {
        ...found.annotations,
        asked: found.annotations.asked + askedForAnnotations + elsewhere.askedForAnnotations,
      },
      requests: found.requests + requests + elsewhere.requests,
      sources: { ...found.sources, heads },
      behindTheMove: { asThen, atTheEnd },
    };
  }

  #isForTheEnd({ key, lastModified }: ListedVersion): boolean {
    const { until = 0, uploadKeys } = this.#before ?? {};
    return lastModified <= 0 || lastModified >= until || uploadKeys?.has(key) === true;
  }

  /** @returns whether the work came to its end */
  async #safely(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#fault ??= error;
      return false;
    }
  }
}

interface Differing {
  readonly groups: VersionGroups;
  readonly now: VersionGroups;
  readonly differing: ReadonlySet<number>;
  /** {@link entryNumber} of what the last listing had inspected. */
  readonly inspected: ReadonlySet<number>;
}

const NO_CHANGE = { more: 0, lost: 0 };

/** Groups that nothing made doubtful, and that do not hold the same versions. */
function differingGroups(groups: VersionGroups, now: VersionGroups): ReadonlySet<number> {
  const differing = new Set<number>();
  for (let group = 0; group < groups.size; group += 1) {
    if (!groups.isDoubted(group) && !groups.isAlike(now, group)) differing.add(group);
  }
  return differing;
}

const labelName = (label: string): string => `label ${label}`;
const labelOf = (name: string): string | undefined => (name.startsWith('label ') ? name.slice(6) : undefined);
