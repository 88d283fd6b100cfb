import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { checkEvidence } from '../evidence/check';
import { type FileOrigin, originOf } from '../repository/tracked-file';
import { list, text, type Values, values } from '../review/plan-values';
import type { GreenRetirement } from '../review/review-rule';

export interface EvidenceSource {
  /** Directory or file. */
  readonly path: string;
  /** Of every signer that is trusted: then only runs that one of them signed count. Undefined: where a file is decides. */
  readonly publicKeys?: readonly KeyObject[] | undefined;
  /** Git revision of the base, whose own evidence counts; undefined: no evidence that is committed counts. */
  readonly base?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * What evidence shows as verified empty, let through the retire gate, and not rolled back to since. Runs count in
 * the order in which they began; a file with any fault proves nothing and is passed over. One that the reviewed commit may
 * have brought is not trusted.
 *
 * @throws KeyturnError `evidence-missing`, `repository-unreadable` where git cannot tell what is committed
 */
export async function greenRetirements(source: EvidenceSource): Promise<readonly GreenRetirement[]> {
  const checked = await checkEvidence(source.path, undefined, source.publicKeys);
  const faulty = new Set(checked.faults.map((fault) => fault.file));
  const runs: { readonly file: string; readonly origin: Origin; readonly records: readonly Values[] }[] = [];
  for (const { file } of checked.files) {
    if (faulty.has(file)) continue;
    const bytes = await readFile(file);
    const origin = source.publicKeys ? 'signed' : await originOf(file, bytes, source.base, source.env);
    const lines = bytes.toString('utf8').trim().split('\n');
    runs.push({ file, origin, records: lines.map((line) => values(JSON.parse(line))) });
  }
  const openedAt = ({ records }: (typeof runs)[number]): string => text(records[0]?.at) ?? '';
  runs.sort((a, b) => (openedAt(a) < openedAt(b) ? -1 : 1));
  const green = new Map<string, GreenRetirement>();
  for (const { file, origin, records } of runs) {
    // What is not trusted puts nothing in the place of what is.
    for (const one of retirementsIn(records, file))
      if (origin !== 'commit' || !green.has(one.keyArn)) green.set(one.keyArn, { ...one, origin });
    for (const arn of enabledAgainIn(records)) green.delete(arn);
  }
  return [...green.values()];
}

type Origin = FileOrigin | 'signed';

/**
 * The verification comes first, then the key is disabled, then a clean look at what changed meanwhile names it. Evidence of before there was
 * such a look: then the gate opens, the intent names the key, and the step ends.
 */
function retirementsIn(records: readonly Values[], file: string): readonly Omit<GreenRetirement, 'origin'>[] {
  const of = (type: string) => records.filter((one) => one.type === type && one.step === 'retire');
  const hasLooks = of('look').length + of('taken-back').length > 0;
  const isEnded = of('outcome').some(({ data }) => values(data).outcome === 'changed');
  let verified = false;
  const open = new Set<string>();
  const found: Omit<GreenRetirement, 'origin'>[] = [];
  for (const { type, step, data: written } of records) {
    const data = values(written);
    const version = text(data.version);
    if (type === 'outcome' && step === 'verify') verified = isGreen(data);
    if (step !== 'retire' || version === undefined || !verified) continue;
    if (type === 'gate' && data.open === true) open.add(version);
    const keyArn = text(data.keyArn);
    if (keyArn === undefined) continue;
    const isBefore = !hasLooks && isEnded && type === 'intent' && open.has(version);
    if (isBefore || (type === 'look' && data.clean === true)) found.push({ version, keyArn, file });
  }
  return found;
}

function isGreen(data: Values): boolean {
  const buckets = list(data.buckets).map(values);
  return buckets.length > 0 && buckets.every((one) => one.unknownTotal === 0 && isAccounted(one));
}

/** A record without an account proves nothing: verifications of before there was one did not add up what they listed. */
function isAccounted({ account, comparisons }: Values): boolean {
  const { listed, ...places } = values(account);
  const counts = Object.values(places);
  if (typeof listed !== 'number' || counts.length === 0) return false;
  const sum = counts.reduce<number>((total, count) => total + (typeof count === 'number' ? count : Number.NaN), 0);
  return sum === listed && list(comparisons).every((one) => values(one).missing === 0);
}

const enabledAgainIn = (records: readonly Values[]): readonly string[] =>
  records
    .filter(
      ({ type, step }) => (type === 'outcome' && step === 'rollback') || (type === 'taken-back' && step === 'retire'),
    )
    .flatMap(({ data }) => text(values(data).keyArn) ?? []);
