/** What earlier runs decided about the versions that a rotation moves objects away from, as sound evidence records it. */
import { z } from 'zod';
import type { RecordedRun } from '../evidence/report-records';
import type { Rotation } from '../rotation/rotation';
import { isState, soundRunsOf } from './evidence-queries';
import { evidenceDirectory, evidenceOf, type Observing } from './observe';
import { inChainOrder } from './recorded-runs';

/** One verified version, in a run whose verification covered every bucket of the time. */
export interface RecordedVersion {
  readonly name: string;
  /** Absent: its key was gone. */
  readonly keyArn?: string | undefined;
  /** True: the gate had no reason against disabling it. */
  readonly empty: boolean;
  readonly reasons: readonly RecordedReason[];
  /** Why its key stays on although nothing is left under it: who else uses it, or an active key near its end. */
  readonly keep?: readonly RecordedReason[] | undefined;
}

/** A reason of the gate. */
export interface RecordedReason {
  readonly code: string;
  readonly text: string;
}

/** The verdicts of one run, all from one verification. */
export interface RecordedVerdicts {
  readonly activeKeyArn: string;
  /** When KMS last moved the main alias, as that run saw it. It identifies the switch that the verification covers. */
  readonly aliasMovedAt?: string | undefined;
  /** ISO 8601: when the first listing began, by the clock of S3. */
  readonly verifiedAt: string;
  readonly buckets: readonly string[];
  /** What the verification left alone; absent in records of before it was counted. */
  readonly outOfScope?: readonly RecordedOutOfScope[] | undefined;
  readonly versions: readonly RecordedVersion[];
}

/** Object versions of a bucket under what the rotation file does not name. */
export interface RecordedOutOfScope {
  readonly bucket: string;
  readonly versions: number;
  /** Key ARNs, `SSE-S3`, `SSE-C`, … that no version of the rotation is. */
  readonly under: readonly string[];
}

/** What evidence beside the rotation file knows; everything empty where there is none. */
export interface VerdictEvidence {
  /** Newest last. */
  readonly verdicts: readonly (RecordedVerdicts & { readonly order: number })[];
  /** Where the main alias pointed, each time a run recorded it. Newest last. */
  readonly aliasTargets: readonly { readonly keyArn: string | undefined; readonly order: number }[];
  /** The last ARN that evidence knows for a version. */
  readonly keyArns: ReadonlyMap<string, string>;
  /** Every key that evidence knows to have been a version's. */
  readonly versionKeys: readonly { readonly version: string; readonly keyArn: string }[];
  /** Every bucket that the rotation file named when a run recorded what AWS held, with its default key then. Newest last. */
  readonly namedBuckets: readonly NamedBucket[];
}

/** A bucket of the rotation file at some time. */
export interface NamedBucket {
  readonly bucket: string;
  readonly defaultKey: string | undefined;
  /** ISO 8601, by the clock of the run. */
  readonly at: string;
  readonly order: number;
}

const REASON = z.object({ code: z.string(), text: z.string() });

const VERDICTS = z.object({
  activeKeyArn: z.string(),
  aliasMovedAt: z.string().optional(),
  verifiedAt: z.string(),
  buckets: z.array(z.string()),
  outOfScope: z.array(z.object({ bucket: z.string(), versions: z.number(), under: z.array(z.string()) })).optional(),
  versions: z.array(
    z.object({
      name: z.string(),
      keyArn: z.string().optional(),
      empty: z.boolean(),
      reasons: z.array(REASON),
      keep: z.array(REASON).optional(),
    }),
  ),
});

const STATE = z.object({
  aliasTarget: z.string().optional(),
  versions: z.array(z.object({ name: z.string(), keyArn: z.string().optional() })),
  buckets: z
    .array(z.object({ name: z.string(), default: z.object({ keyArn: z.string().optional() }).optional() }))
    .default([]),
});

/** Reads and checks the evidence once for each loaded rotation: no run adds to the evidence of earlier runs. */
export function verdictEvidence(run: Pick<Observing, 'rotation' | 'identity'>): Promise<VerdictEvidence> {
  const { rotation } = run;
  const known = READ.get(rotation);
  if (known) return known;
  const reading = soundRunsOf(evidenceDirectory(rotation), evidenceOf(run)).then(collect);
  READ.set(rotation, reading);
  return reading;
}

const READ = new WeakMap<Rotation, Promise<VerdictEvidence>>();

function collect(runs: readonly RecordedRun[]): VerdictEvidence {
  const verdicts: (RecordedVerdicts & { readonly order: number })[] = [];
  const aliasTargets: { keyArn: string | undefined; order: number }[] = [];
  const keyArns = new Map<string, string>();
  const versionKeys = new Map<string, { version: string; keyArn: string }>();
  const namedBuckets: NamedBucket[] = [];
  const records = inChainOrder(runs).flatMap((run) => run.records);
  for (const [order, record] of records.entries()) {
    const verdict = record.type === 'verdict' ? VERDICTS.safeParse(record.data) : undefined;
    if (verdict?.success) verdicts.push({ ...verdict.data, order });
    const state = isState(record) ? STATE.safeParse(record.data) : undefined;
    if (!state?.success) continue;
    aliasTargets.push({ keyArn: state.data.aliasTarget, order });
    for (const { name, keyArn } of state.data.versions) {
      if (keyArn === undefined) continue;
      keyArns.set(name, keyArn);
      versionKeys.set(`${name} ${keyArn}`, { version: name, keyArn });
    }
    for (const { name: bucket, default: own } of state.data.buckets) {
      namedBuckets.push({ bucket, defaultKey: own?.keyArn, at: record.at, order });
    }
  }
  return { verdicts, aliasTargets, keyArns, versionKeys: [...versionKeys.values()], namedBuckets };
}
