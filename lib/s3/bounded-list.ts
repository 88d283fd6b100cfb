/** Entries that a report lists of one kind, at most: enough to act on, and bounded whatever the bucket holds. */
export const REPORT_LIMIT = 1000;

/** The first {@link REPORT_LIMIT} entries of a list that may be long, and how long it is. */
export class BoundedList<T extends { readonly key: string; readonly versionId: string | undefined }> {
  total = 0;
  readonly #kept = new Map<string, T>();

  get first(): readonly T[] {
    return [...this.#kept.values()];
  }

  /** A version that a later pass comes to again is counted once, as far as it is kept. */
  add(entry: T): void {
    const id = idOf(entry);
    if (!this.#kept.has(id)) this.total += 1;
    if (this.#kept.has(id) || this.#kept.size < REPORT_LIMIT) this.#kept.set(id, entry);
  }

  /** Takes a version out that a later pass could deal with. */
  remove(version: { readonly key: string; readonly versionId: string | undefined }): void {
    if (this.#kept.delete(idOf(version))) this.total -= 1;
  }
}

function idOf({ key, versionId }: { readonly key: string; readonly versionId: string | undefined }): string {
  return `${versionId ?? ''} ${key}`;
}
