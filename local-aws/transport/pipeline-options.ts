import type { Faults } from '../faults';
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
  readonly region: string;
  readonly accountId: string;
}
