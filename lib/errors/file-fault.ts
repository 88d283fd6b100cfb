/** One fault of a file that a person wrote: where, what stands there, what may stand there, what to do. */
export interface FileFault {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The field, such as `keyVersions[1].name`; empty where the fault belongs to no field. */
  readonly path: string;
  readonly given: string;
  readonly allowed: string;
  readonly change: string;
}
