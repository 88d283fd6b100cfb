import type { ShownUse } from '../../lib/cloudtrail/key-uses';
import { table } from './table';

/** Calls that CloudTrail shows, as a table. */
export function useTable(uses: readonly ShownUse[]): string {
  return table(
    ['who', 'call', 'through', 'bucket', 'times', 'last'],
    uses.map((use) => [use.who, use.operation, use.through ?? '-', use.bucket ?? '-', String(use.count), use.last]),
  );
}
