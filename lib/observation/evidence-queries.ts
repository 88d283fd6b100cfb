import { z } from 'zod';
import type { EvidenceRecord } from '../evidence/evidence-record';
import type { RecordedRun } from '../evidence/report-records';
import { inChainOrder, recordedRuns } from './recorded-runs';

/**
 * Whose evidence is read. A rotation of the same name in another account or Region, such as that of a rehearsal, is another one: its
 * evidence says nothing.
 */
export interface EvidenceOf {
  /** Of the rotation. */
  readonly name: string;
  readonly region: string;
  /** 12 digits; absent: any account. */
  readonly account: string | undefined;
}

/**
 * Versions of a rotation of which sound evidence shows that the gate opened and that the key was disabled. Evidence with
 * a fault shows nothing; no evidence at all is no error.
 */
export async function retiredVersions(directory: string, of: EvidenceOf): Promise<ReadonlySet<string>> {
  return new Set((await soundRunsOf(directory, of)).flatMap(retiredIn));
}

/** A date further ahead than this came from a clock that was wrong: it says nothing of when something was. */
const AHEAD = 86_400_000;

/** Whether a recorded date can be of the past, by a clock that may be a day off. */
export const isPlausible = (date: Date, now: Date): boolean => date.getTime() <= now.getTime() + AHEAD;

/**
 * When a sound run of a rotation last inspected every object under its keys; undefined where none here did.
 *
 * @param now - what is dated further ahead counts for nothing
 */
export async function lastVerified(directory: string, of: EvidenceOf, now: Date): Promise<Date | undefined> {
  const runs = await soundRunsOf(directory, of);
  const times = runs
    .flatMap((run) => run.records)
    .filter((one) => one.type === 'outcome' && one.step === 'verify' && isPlausible(new Date(one.at), now))
    .map((one) => Date.parse(one.at));
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}

/** When a sound run of a rotation last ended a re-encryption that moved something; undefined where none here did. */
export async function lastMoved(directory: string, of: EvidenceOf): Promise<Date | undefined> {
  const runs = await soundRunsOf(directory, of);
  const times = runs
    .flatMap((run) => run.records)
    .filter(
      ({ type, step, data }) => type === 'outcome' && step === 're-encrypt' && typeof data.movedUntil === 'number',
    )
    .map(({ data }) => Number(data.movedUntil));
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}

/** What evidence says last of the disabling of a key: meant to be disabled, then looked at and found unused, or enabled again. */
export type Disabling = 'intended' | 'looked-at' | 'enabled-again';

/**
 * The last disabling of each key of a rotation, by its ARN. A run that was killed counts too, but only sound evidence shows that a key was
 * looked at. A clock may have been wrong, and evidence of two machines is no one chain: looked at is a key only by both orders.
 */
export async function lastDisablings(directory: string, of: EvidenceOf): Promise<ReadonlyMap<string, Disabling>> {
  const runs = await runsOf(directory, of);
  const recordsOf = (these: readonly RecordedRun[]) =>
    these.flatMap(({ faults, records }) => records.map((record) => ({ record, isSound: faults.length === 0 })));
  const byTime = lastIn(recordsOf(runs).sort((a, b) => compareTexts(a.record.at, b.record.at)));
  const byChain = lastIn(recordsOf(inChainOrder(runs)));
  return new Map([...byTime].map(([arn, last]) => [arn, last === 'looked-at' ? (byChain.get(arn) ?? last) : last]));
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function lastIn(
  records: readonly { readonly record: EvidenceRecord; readonly isSound: boolean }[],
): Map<string, Disabling> {
  const last = new Map<string, Disabling>();
  for (const { record, isSound } of records) {
    const disabling = disablingIn(record);
    if (disabling === undefined || typeof record.data.keyArn !== 'string') continue;
    if (disabling !== 'looked-at' || isSound) last.set(record.data.keyArn, disabling);
  }
  return last;
}

function disablingIn({ type, step, data }: EvidenceRecord): Disabling | undefined {
  if (step === 'rollback') return type === 'outcome' ? 'enabled-again' : undefined;
  if (step !== 'retire') return undefined;
  if (type === 'intent') return 'intended';
  if (type === 'taken-back') return data.enabled === true ? 'enabled-again' : undefined;
  return type === 'look' && data.clean === true ? 'looked-at' : undefined;
}

/**
 * When sound evidence last shows that custody holds the material of a version, by version.
 *
 * @param now - what is dated further ahead counts for nothing
 */
export async function lastDrilled(directory: string, of: EvidenceOf, now: Date): Promise<ReadonlyMap<string, Date>> {
  const runs = await soundRunsOf(directory, of);
  const drilled = new Map<string, Date>();
  for (const { type, step, data, at } of runs.flatMap((run) => run.records)) {
    if (type !== 'outcome' || step !== 'drill' || data.outcome !== 'held' || typeof data.version !== 'string') continue;
    const before = drilled.get(data.version);
    const time = new Date(at);
    if (!isPlausible(time, now)) continue;
    if (!before || before < time) drilled.set(data.version, time);
  }
  return drilled;
}

/**
 * Versions whose copy in custody KMS refused as the material of their key, and which nothing has shown to fit since. The copy may have
 * been replaced in the meantime: the next drill or import that KMS takes ends it.
 */
export async function refusedCopies(directory: string, of: EvidenceOf): Promise<ReadonlySet<string>> {
  const runs = await soundRunsOf(directory, of);
  const byTime = runs.flatMap((run) => run.records).sort((a, b) => compareTexts(a.at, b.at));
  const byChain = inChainOrder(runs).flatMap((run) => run.records);
  return new Set([...refusedIn(byTime), ...refusedIn(byChain)]);
}

function refusedIn(records: readonly EvidenceRecord[]): ReadonlySet<string> {
  const refused = new Set<string>();
  for (const { type, step, data } of records) {
    if (type === 'refused' && step === 'custody' && typeof data.version === 'string') refused.add(data.version);
    if (type !== 'outcome') continue;
    if (step === 'drill' && data.outcome === 'held') refused.delete(String(data.version));
    if (step === 'extend') refused.delete(String(data.version));
    if (step === 'import-material' && Array.isArray(data.imported))
      for (const one of data.imported) refused.delete(String((one as { version?: unknown }).version));
  }
  return refused;
}

/** The pointers as the last run recorded them, and the dates of the keys. */
export interface LeftByRun {
  readonly aliasTarget: string | undefined;
  readonly bucketDefaults: Readonly<Record<string, string | undefined>>;
  /** Versions whose key existed then, with the date on which KMS was to delete the material. */
  readonly keys?: ReadonlyMap<string, { readonly arn: string; readonly validTo: Date | undefined }> | undefined;
}

/** What alias and bucket defaults pointed at when the last sound run of a rotation ended; undefined where none says so. */
export async function lastLeft(directory: string, of: EvidenceOf): Promise<LeftByRun | undefined> {
  const runs = inChainOrder(await soundRunsOf(directory, of));
  const states = runs.flatMap((run) => run.records).filter(isState);
  const last = states.at(-1);
  if (!last) return undefined;
  const read = STATE.safeParse(last.data);
  if (!read.success) return undefined;
  const { aliasTarget, buckets } = read.data;
  const bucketDefaults = Object.fromEntries(buckets.map((one) => [one.name, one.default?.keyArn]));
  return { aliasTarget, bucketDefaults, keys: knownKeys(states) };
}

/** True for a record of what AWS held. */
export const isState = ({ type, step }: EvidenceRecord): boolean =>
  type === 'state' || (type === 'outcome' && step === 'record');

/** A version keeps the last date that KMS gave: a key that has lost its material shows none. */
function knownKeys(states: readonly EvidenceRecord[]): LeftByRun['keys'] {
  const keys = new Map<string, { arn: string; validTo: Date | undefined }>();
  for (const { data } of states) {
    for (const { name, keyArn, validTo, state } of VERSIONS.safeParse(data).data?.versions ?? []) {
      if (keyArn === undefined) continue;
      const before = keys.get(name);
      const lost = state === 'PendingImport' && before?.arn === keyArn ? before.validTo : undefined;
      keys.set(name, { arn: keyArn, validTo: validTo === undefined ? lost : new Date(validTo) });
    }
  }
  return keys;
}

const VERSIONS = z.object({
  versions: z.array(
    z.object({
      name: z.string(),
      keyArn: z.string().optional(),
      validTo: z.string().optional(),
      state: z.string().optional(),
    }),
  ),
});

const STATE = z.object({
  aliasTarget: z.string().optional(),
  buckets: z.array(z.object({ name: z.string(), default: z.object({ keyArn: z.string().optional() }).optional() })),
});

/** The sound runs of a rotation. Evidence with a fault shows nothing; no evidence at all is no error. */
export async function soundRunsOf(directory: string, of: EvidenceOf): Promise<readonly RecordedRun[]> {
  return (await runsOf(directory, of)).filter((run) => run.faults.length === 0);
}

/** Every run of a rotation, sound or not: one that was killed is not closed. */
export async function runsOf(directory: string, of: EvidenceOf): Promise<readonly RecordedRun[]> {
  return (await recordedRuns(directory)).filter((run) => isOf(run, of));
}

const BEGIN = z.object({
  rotation: z.string(),
  region: z.string().optional(),
  identity: z.object({ account: z.string() }).optional(),
});

function isOf({ records }: RecordedRun, { name, region, account }: EvidenceOf): boolean {
  const begin = records.find((one) => one.type === 'run' && one.step === 'begin');
  const read = BEGIN.safeParse(begin?.data).data;
  if (read?.rotation !== name) return false;
  const isSame = (recorded: string | undefined, wanted: string | undefined) =>
    recorded === undefined || wanted === undefined || recorded === wanted;
  return isSame(read.region, region) && isSame(read.identity?.account, account);
}

/** Each version whose gate opened and whose look was clean; evidence of before the look says so by the outcome of the step alone. */
function retiredIn({ records }: RecordedRun): string[] {
  const of = (type: string) => records.filter((one) => one.type === type && one.step === 'retire');
  const named = (found: readonly EvidenceRecord[]) =>
    found.flatMap(({ data }) => (typeof data.version === 'string' ? [data.version] : []));
  const opened = named(of('gate').filter(({ data }) => data.open === true && data.disables !== false));
  const looked = new Set(named(of('look').filter(({ data }) => data.clean === true)));
  if (of('look').length > 0) return opened.filter((version) => looked.has(version));
  return of('outcome').some(({ data }) => data.outcome === 'changed') ? opened : [];
}
