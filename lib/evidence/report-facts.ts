/**
 * The facts of a recorded run that a report shows. Evidence may come from other versions or unknown authors, so each
 * fact is validated, and invalid data is ignored.
 */
import { z } from 'zod';
import type { EvidenceRecord } from './evidence-record';
import { listOf, maybe, text, whole } from './recorded-shapes';
import {
  type AccessFacts,
  accessSchema,
  type GateFacts,
  gateSchema,
  type LookFacts,
  lookSchema,
  type PinFacts,
  pinSchema,
  type RehearsalFacts,
  rehearsalSchema,
  type TakenBackFacts,
  takenBackSchema,
  type WatchFacts,
  watchSchema,
} from './report-gate-facts';
import type { RecordedRun } from './report-records';

const stateSchema = z.object({
  // Without this member the record is not an observation.
  versions: listOf(z.object({ name: text, keyArn: maybe, state: maybe, validTo: maybe })),
  aliasTarget: maybe,
  buckets: listOf(
    z.object({
      name: text,
      default: z
        .object({ algorithm: text, keyArn: maybe, bucketKey: z.boolean().catch(false) })
        .optional()
        .catch(undefined),
    }),
  ),
});
/** The state of AWS at one moment of a run. */
export type StateFacts = z.output<typeof stateSchema> & { readonly at: string; readonly step: string };

const blockedSchema = z.object({ key: text, versionId: maybe, reason: maybe, detail: maybe, earliest: maybe });
const failedSchema = z.object({ key: text, versionId: maybe, reason: maybe });

const jobSchema = z.object({
  jobId: text,
  attempt: whole,
  part: maybe,
  specSha256: maybe,
  status: text,
  foundNothing: z.boolean().catch(false),
  states: listOf(z.object({ status: text, at: text })),
  createdAt: maybe,
  endedAt: maybe,
  total: whole,
  succeeded: whole,
  failed: whole,
  report: z
    .object({
      manifestKey: text,
      manifestSha256: text,
      files: listOf(z.object({ key: text, md5: text, rows: whole, status: maybe })),
      errors: z.record(z.string(), z.number()).catch({}),
    })
    .optional()
    .catch(undefined),
  failureReasons: listOf(text),
});
/** One job of S3 Batch Operations, as a run read it. */
export type JobFacts = z.output<typeof jobSchema>;

const passSchema = z.object({
  bucket: text,
  engine: text.catch('local'),
  jobs: listOf(jobSchema),
  method: text.catch('moved'),
  objectVersions: whole,
  alreadyThere: whole,
  moved: whole,
  movedBytes: whole,
  gone: whole,
  blocked: listOf(blockedSchema),
  blockedTotal: whole,
  failed: listOf(failedSchema),
  failedTotal: whole,
  requests: whole,
  evidence: listOf(z.object({ file: text, sha256: text, lines: whole })),
});
/** One re-encryption of one bucket. */
export type PassFacts = z.output<typeof passSchema>;

const specSchema = z.object({
  bucket: text,
  specSha256: text,
  spec: z.object({ Description: maybe, RoleArn: maybe, ClientRequestToken: maybe }).catch({
    Description: undefined,
    RoleArn: undefined,
    ClientRequestToken: undefined,
  }),
});
export type SpecFacts = z.output<typeof specSchema> & { readonly at: string };

const verifiedSchema = z.object({
  bucket: text,
  at: maybe,
  objectVersions: whole,
  byKey: z.record(z.string(), z.number()).catch({}),
  leftTotal: whole,
  unknownTotal: whole,
  // Older evidence has no account.
  account: z
    .object({
      listed: whole,
      underActive: whole,
      left: whole,
      outOfScope: whole,
      unknown: whole,
      gone: whole,
      notInspected: whole,
    })
    .optional()
    .catch(undefined),
  comparisons: listOf(
    z.object({ with: text, listedThere: whole, listedHere: whole, gone: whole, newer: whole, missing: whole }),
  ),
  secondHeads: z.object({ versions: whole, contradictions: whole }).optional().catch(undefined),
  openUploadsTotal: whole,
  read: z.object({ versions: whole, bytes: whole }).catch({ versions: 0, bytes: 0 }),
  // Older evidence without sources checked every version.
  sources: z
    .object({
      heads: z.record(z.string(), z.number()).catch({}),
      notInspected: whole,
      generated: listOf(z.object({ jobId: maybe, underKeyArn: maybe, rows: whole })),
      because: maybe,
      disagreementsTotal: whole,
    })
    .optional()
    .catch(undefined),
});
export type VerifiedFacts = z.output<typeof verifiedSchema>;

const custodySchema = z.object({
  version: text,
  keyArn: maybe,
  keyMaterialId: maybe,
  custody: z
    .object({ kind: maybe, location: z.string().nullable().catch(null), recipients: listOf(text) })
    .catch({ kind: undefined, location: null, recipients: [] }),
  wrapping: z.object({ algorithm: maybe, keySpec: maybe, wrappedSha256: maybe }).partial().catch({}),
  import: z
    .object({ importedAt: maybe, validTo: z.string().nullable().catch(null) })
    .partial()
    .catch({}),
});
export type CustodyFacts = z.output<typeof custodySchema>;

const reviewSchema = z.object({
  stack: maybe,
  verdict: maybe,
  findings: listOf(z.object({ rule: text, severity: maybe, address: z.string().nullish().catch(undefined) })),
  waived: listOf(z.object({ rule: text, address: z.string().nullish().catch(undefined) })),
});
export type ReviewFacts = z.output<typeof reviewSchema> & { readonly at: string };

const beginSchema = z.object({
  rotation: maybe,
  region: maybe,
  identity: z.object({ account: maybe, arn: maybe }).catch({ account: undefined, arn: undefined }),
  rotationFile: z
    .object({ name: maybe, sha256: maybe, commit: maybe, asCommitted: z.boolean().optional().catch(undefined) })
    .optional()
    .catch(undefined),
  tools: z.record(z.string(), z.string()).catch({}),
  endpoints: z.record(z.string(), z.string().nullable()).catch({}),
  // Older evidence names nobody.
  people: z
    .object({ proposer: maybe, approver: maybe, actor: maybe, runUrl: maybe, commit: maybe })
    .optional()
    .catch(undefined),
});

const appliedSchema = z.object({ outcome: z.literal('changed'), stack: maybe, effects: listOf(text) });
/** A plan that was applied, in words. */
export type AppliedFacts = z.output<typeof appliedSchema> & { readonly at: string };

/** One run, from its records. */
export interface RunFacts extends z.output<typeof beginSchema> {
  readonly recorded: RecordedRun;
  readonly command: string | undefined;
  readonly openedAt: string | undefined;
  readonly closedAt: string | undefined;
  /** `finished`, or the code of the error that ended it; undefined if the end is missing. */
  readonly outcome: string | undefined;
  readonly reviews: readonly ReviewFacts[];
  readonly applied: readonly AppliedFacts[];
  readonly states: readonly StateFacts[];
  readonly passes: readonly PassFacts[];
  /** Job specifications, recorded before the jobs were created. */
  readonly specs: readonly SpecFacts[];
  readonly verified: readonly VerifiedFacts[];
  readonly gates: readonly GateFacts[];
  readonly rehearsals: readonly RehearsalFacts[];
  readonly pins: readonly PinFacts[];
  readonly access: readonly AccessFacts[];
  readonly watched: readonly WatchFacts[];
  readonly looks: readonly LookFacts[];
  readonly takenBack: readonly TakenBackFacts[];
  readonly custody: readonly CustodyFacts[];
}

export function factsOf(recorded: RecordedRun): RunFacts {
  const { records } = recorded;
  const of = (type: string, step?: string) =>
    records.filter((one) => one.type === type && (step === undefined || one.step === step));
  const first = of('run-opened')[0];
  const last = of('run-closed').at(-1);
  const plans = [...of('outcome', 'declare-keys'), ...of('outcome', 'switch')];
  const begin = beginSchema.parse(of('run', 'begin')[0]?.data ?? {});
  return {
    ...begin,
    recorded,
    command: textIn(first?.data.command),
    openedAt: first?.at,
    closedAt: last?.at,
    outcome: textIn(last?.data.outcome),
    tools: Object.assign({}, begin.tools, ...plans.map((one) => toolsIn(one.data.tools))),
    reviews: of('review').flatMap((one) => read(reviewSchema, one, one.data)),
    applied: plans.flatMap((one) => read(appliedSchema, one, one.data)),
    states: [...of('state'), ...of('outcome', 'record')].flatMap((one) => read(stateSchema, one, one.data)),
    passes: of('outcome', 're-encrypt').flatMap((one) => itemsOf(passSchema, one.data.passes)),
    specs: of('job', 're-encrypt').flatMap((one) => read(specSchema, one, one.data)),
    verified: of('outcome', 'verify').flatMap((one) => itemsOf(verifiedSchema, one.data.buckets)),
    gates: of('gate').flatMap((one) => read(gateSchema, one, one.data)),
    rehearsals: of('dress-rehearsal').flatMap((one) => read(rehearsalSchema, one, one.data)),
    pins: of('pinned-writers').flatMap(({ at, data }) => itemsOf(pinSchema, data.pins).map((pin) => ({ ...pin, at }))),
    access: of('access').flatMap((one) => read(accessSchema, one, one.data)),
    watched: of('watch').flatMap((one) => read(watchSchema, one, one.data)),
    looks: of('look').flatMap((one) => read(lookSchema, one, one.data)),
    takenBack: of('taken-back').flatMap((one) => read(takenBackSchema, one, one.data)),
    custody: of('outcome', 'import-material').flatMap((one) => itemsOf(custodySchema, one.data.imported)),
  };
}

const itemsOf = <S extends z.ZodType>(schema: S, value: unknown): z.output<S>[] => listOf(schema).parse(value);

function read<S extends z.ZodObject>(schema: S, { at, step }: EvidenceRecord, data: unknown) {
  const found = schema.safeParse(data);
  return found.success ? [{ ...found.data, at, step }] : [];
}

const textIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const toolsIn = (value: unknown): Record<string, string> =>
  z
    .record(z.string(), z.string())
    .catch({})
    .parse(value ?? {});
