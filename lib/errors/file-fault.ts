/** One fault of a file that a person wrote: the place, the given value, the allowed values, and the fix. */
export interface FileFault {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The field, such as `keyVersions[1].name`; empty if the fault belongs to no field. */
  readonly path: string;
  readonly given: string;
  readonly allowed: string;
  readonly change: string;
}
