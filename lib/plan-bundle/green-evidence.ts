import { readFile } from 'node:fs/promises';
import { checkEvidence } from '../evidence/check';
import { list, text, type Values, values } from '../review/plan-values';
import type { GreenRetirement } from '../review/review-rule';

/**
 * What evidence shows as verified empty, let through the retire gate, and not rolled back to since. Files are read in the
 * order of their names, which is that of time; a file with any fault proves nothing and is passed over.
 *
 * @throws KeyturnError `evidence-missing`
 */
export async function greenRetirements(directory: string): Promise<readonly GreenRetirement[]> {
  const checked = await checkEvidence(directory);
  const faulty = new Set(checked.faults.map((fault) => fault.file));
  const green = new Map<string, GreenRetirement>();
  for (const { file } of checked.files) {
    if (faulty.has(file)) continue;
    const records = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => values(JSON.parse(line)));
    for (const one of retirementsIn(records, file)) green.set(one.keyArn, one);
    for (const arn of rolledBackIn(records)) green.delete(arn);
  }
  return [...green.values()];
}

/** The verification comes first, then the gate opens, then the intent to disable names the key. */
function retirementsIn(records: readonly Values[], file: string): readonly GreenRetirement[] {
  let verified = false;
  const open = new Set<string>();
  const found: GreenRetirement[] = [];
  for (const record of records) {
    const data = values(record.data);
    const version = text(data.version);
    if (record.type === 'outcome' && record.step === 'verify') verified = isGreen(data);
    if (record.type === 'gate' && record.step === 'retire' && data.open === true && verified && version)
      open.add(version);
    const keyArn = text(data.keyArn);
    if (record.type !== 'intent' || record.step !== 'retire' || version === undefined || keyArn === undefined) continue;
    if (open.has(version)) found.push({ version, keyArn, file });
  }
  return found;
}

function isGreen(data: Values): boolean {
  const buckets = list(data.buckets).map(values);
  return buckets.length > 0 && buckets.every((one) => one.unknownTotal === 0 && isAccounted(one));
}

/** A record without an account proves nothing: verifications of before there was one did not add up what they listed. */
function isAccounted({ account, comparison }: Values): boolean {
  const { listed, ...places } = values(account);
  const counts = Object.values(places);
  if (typeof listed !== 'number' || counts.length === 0) return false;
  const sum = counts.reduce<number>((total, count) => total + (typeof count === 'number' ? count : Number.NaN), 0);
  return sum === listed && (comparison === undefined || values(comparison).missing === 0);
}

const rolledBackIn = (records: readonly Values[]): readonly string[] =>
  records
    .filter(({ type, step }) => type === 'outcome' && step === 'rollback')
    .flatMap(({ data }) => text(values(data).keyArn) ?? []);
