/** Fields of a rotation file under names they had before, too different from the present ones for the edit distance. */
const RENAMED_FIELDS: ReadonlyMap<string, string> = new Map([
  ['alsoverify', 'verifyOnlyBuckets'],
  ['writerspaused', 'noConcurrentWrites'],
]);

/** The present name of a renamed field, if the mapping has it; compared without case. */
export function renamedField(name: string, fields: readonly string[]): string | undefined {
  const present = RENAMED_FIELDS.get(name.toLowerCase());
  return present !== undefined && fields.includes(present) ? present : undefined;
}
