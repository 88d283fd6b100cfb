import type { Observation } from './observe';

/** What AWS holds, as evidence records it: every version's key and state, and what alias and buckets point at. */
export interface StateFacts {
  readonly versions: readonly {
    readonly name: string;
    readonly keyArn: string | undefined;
    readonly state: string | undefined;
    /** ISO 8601. */
    readonly validTo: string | undefined;
    readonly keyMaterialId: string | undefined;
  }[];
  readonly aliasTarget: string | undefined;
  readonly buckets: Observation['buckets'];
}

/** Takes from an observation what evidence records of it. */
export function stateFacts(seen: Observation): StateFacts {
  return {
    versions: seen.versions.map(({ version, key }) => ({
      name: version.name,
      keyArn: key?.arn,
      state: key?.state,
      validTo: key?.validTo?.toISOString(),
      keyMaterialId: key?.currentKeyMaterialId,
    })),
    aliasTarget: seen.aliasTarget,
    buckets: seen.buckets,
  };
}
