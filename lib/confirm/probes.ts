import { importProbes } from './import-probes';
import type { Probe } from './probe';
import { rewrapProbes } from './rewrap-probes';

/** Every question, in the order in which they are asked: a key is pending import only until its first import. */
export const probes: readonly Probe[] = [...importProbes, ...rewrapProbes];
