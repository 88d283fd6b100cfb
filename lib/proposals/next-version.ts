import { KeyturnError } from '../errors';
import type { Rotation } from '../rotation/rotation';

/**
 * The name of the version to declare next: the last declared name with its number raised, `v9` → `v10`, past any name
 * that is taken. A name is never used again, so gaps are not filled.
 *
 * @throws KeyturnError `proposal-refused` where the last name ends in no number
 */
export function nextVersionName({ keyVersions }: Pick<Rotation, 'keyVersions'>): string {
  const last = keyVersions.at(-1)?.name ?? 'v0';
  const [, stem, digits] = /^(.*?)(\d{1,15})$/.exec(last) ?? [];
  if (stem === undefined || digits === undefined) {
    throw new KeyturnError('proposal-refused', {
      problem: `the name after ${JSON.stringify(last)} cannot be told: it does not end in a number`,
      hint: 'choose one with --name',
    });
  }
  const taken = new Set(keyVersions.map((one) => one.name));
  for (let number = Number(digits) + 1; ; number += 1) {
    const name = `${stem}${String(number).padStart(digits.length, '0')}`;
    if (!taken.has(name)) return name;
  }
}
