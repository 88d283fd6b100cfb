import { KeyturnError } from '../errors';
import type { Rotation } from '../rotation/rotation';

/**
 * The name of the next version: the last declared name with its number incremented, `v9` → `v10`, skipping used
 * names. Names are never reused, so gaps stay.
 *
 * @throws KeyturnError `proposal-refused` if the last name does not end in a number
 */
export function nextVersionName({ keyVersions }: Pick<Rotation, 'keyVersions'>): string {
  const last = keyVersions.at(-1)?.name ?? 'v0';
  const [, stem, digits] = /^(.*?)(\d{1,15})$/.exec(last) ?? [];
  if (stem === undefined || digits === undefined) {
    throw new KeyturnError('proposal-refused', {
      problem: `the name after ${JSON.stringify(last)} is unclear, because it does not end in a number`,
      hint: 'choose a name with --name',
    });
  }
  const taken = new Set(keyVersions.map((one) => one.name));
  for (let number = Number(digits) + 1; ; number += 1) {
    const name = `${stem}${String(number).padStart(digits.length, '0')}`;
    if (!taken.has(name)) return name;
  }
}
