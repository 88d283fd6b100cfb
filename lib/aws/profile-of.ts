const profiles = new WeakMap<object, string>();

/** Saves which profile the credentials of a failed call were to come from. */
export function rememberProfile(error: unknown, profile: string): void {
  if (typeof error === 'object' && error !== null) profiles.set(error, profile);
}

/** The saved profile of an error; undefined where none was named. */
export function profileOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null ? profiles.get(error) : undefined;
}
