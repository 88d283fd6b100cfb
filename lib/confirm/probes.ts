import { bucketProbes } from './bucket-probes';
import { importProbes } from './import-probes';
import { jobProbes } from './job-probes';
import { keyProbes } from './key-probes';
import type { Probe } from './probe';
import { rewrapProbes } from './rewrap-probes';

/**
 * Every question, in the order in which they are asked. It matters: a bucket is new and a key pending import only once, the
 * first rewrap is the first use of its target, and a copy must not find a default that was put.
 */
export const probes: readonly Probe[] = [
  bucketProbes.newBucketBlocks,
  importProbes.pendingImportInS3,
  importProbes.importTokenTwice,
  importProbes.pendingMaterialAgain,
  rewrapProbes.rewrapCalls,
  rewrapProbes.rewrapToSameKey,
  rewrapProbes.copyOntoItself,
  bucketProbes.blockedTypesOnPut,
  rewrapProbes.versionsAfterEnabling,
  rewrapProbes.nullVersionRewrap,
  keyProbes.missingAlias,
  jobProbes.generatedManifests,
  jobProbes.emptyManifests,
  keyProbes.annotationsUnderRewrap,
  keyProbes.headUnderDisabledKey,
  keyProbes.importIntoDisabledKey,
];
