import type { Observation } from './observe';

/** What AWS holds, as evidence records it: every version's key and state, and what alias and buckets point at. */
export function stateFacts(seen: Observation): Readonly<Record<string, unknown>> {
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
