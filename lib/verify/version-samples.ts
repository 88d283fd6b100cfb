import type { Encryption, ListedVersion, VersionRef } from '../s3/object-version';
import type { VerifyRequest } from './bucket-verification';
import { RandomSample } from './random-sample';
import { ReadSample } from './read-sample';
import { RehearsalSample } from './rehearsal-sample';

/** A version whose place depends on one more answer. */
export interface SampledHead {
  readonly ref: VersionRef;
  readonly encryption: Encryption;
  readonly listed: ListedVersion;
  readonly place: 'underActive' | 'outOfScope';
}

/** What a verification asks about once more at its end, chosen at random from what it inspected. */
export class VersionSamples {
  readonly reads: ReadSample;
  readonly heads: RandomSample<SampledHead>;
  readonly rehearsal: RehearsalSample;

  constructor({ read = 20, secondHeads = 100, rehearse = 0 }: VerifyRequest) {
    this.reads = new ReadSample(read === 'all' ? 0 : read);
    this.heads = new RandomSample(secondHeads);
    this.rehearsal = new RehearsalSample(rehearse);
  }

  /** @returns what drops those that are chosen now and turn out to be stale; later ones stay */
  staleLater(): (isStale: (version: Pick<ListedVersion, 'key' | 'versionId'>) => boolean) => void {
    const reads = this.reads.staleLater();
    const heads = this.heads.staleLater();
    const rehearsal = this.rehearsal.staleLater();
    return (isStale) => {
      const isStaleRef = ({ key, versionId = 'null' }: Omit<VersionRef, 'bucket'>) => isStale({ key, versionId });
      reads(isStaleRef);
      heads(({ ref }) => isStaleRef(ref));
      rehearsal(isStaleRef);
    };
  }
}
