/** Keys of other Regions that share the material of a declared one: Keyturn looks at one Region. */
import { act, type DriftFinding, type DriftInput, note } from './drift-finding';
import type { ObservedVersion } from './observe';

/** One finding a key, whatever its version is; a note once waivers of the retire gate name every such Region. */
export function relatedKeyFindings(
  { rotation, now }: Pick<DriftInput, 'rotation' | 'now'>,
  { version, key }: ObservedVersion,
): DriftFinding[] {
  const related = key?.relatedKeys ?? [];
  if (related.length === 0) return [];
  const today = now.toISOString().slice(0, 10);
  const waivers = rotation.retire.waivers.filter(({ what, until }) => what === 'related-key' && until >= today);
  const isWaived = (arn: string) => waivers.some(({ of }) => of === undefined || of === arn.split(':')[3]);
  const level = related.every(isWaived) ? note : act;
  const text = `the key of ${version.name} is a multi-Region key: ${related.join(', ')} has the same material, with a state, dates and users of its own, and Keyturn looks at one Region`;
  const fix =
    'look at that key in its own Region: its state, when its material expires, who uses it and what is under it; then accept it with a waiver (related-key) under retire.waivers';
  return [level('key-in-other-regions', text, fix)];
}
