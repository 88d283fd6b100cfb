/** Options under names they had before, too different from the present ones for commander's suggestion. */
const RENAMED_OPTIONS: ReadonlyMap<string, string> = new Map([['--settle', '--relist-delay']]);

/**
 * The present name of a renamed option.
 *
 * @param given - the unknown option as typed, such as `--settle` or `--settle=30s`
 * @param flags - the options of the command
 */
export function renamedOption(given: string, flags: readonly string[]): string | undefined {
  const present = RENAMED_OPTIONS.get(given.split('=')[0] ?? given);
  return flags.some((flag) => flag.split(' ')[0] === present) ? present : undefined;
}
