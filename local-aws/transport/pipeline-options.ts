import type { Faults } from '../faults';
import type { PlacedBucket } from '../need';
import type { Permissions } from '../permissions';
import type { Requests } from '../requests';
import type { Verifier } from '../signature/verify';
import type { Served } from './served';

/** What a pipeline is made of. */
export interface PipelineOptions {
  readonly services: Readonly<Record<string, Served>>;
  readonly verify: Verifier;
  readonly permissions: Permissions;
  readonly faults: Faults;
  readonly requests: Requests;
  /** Where a bucket is, and whose; undefined for one that does not exist. */
  placed(bucket: string): PlacedBucket | undefined;
}
