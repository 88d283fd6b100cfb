import { KeyturnError } from '../lib/errors';

/** One check of `doctor`. */
export interface Finding {
  readonly check: string;
  readonly sound: boolean;
  readonly found: string;
  readonly hint: string | undefined;
}

/** A failed check is a finding; only interruptions and unexpected errors are thrown. */
export async function attempt<T>(
  check: string,
  work: () => Promise<T>,
  describe: (result: T) => string,
  findings: Finding[],
): Promise<T | undefined> {
  try {
    const result = await work();
    findings.push({ check, sound: true, found: describe(result), hint: undefined });
    return result;
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.code === 'interrupted') throw error;
    findings.push({ check, sound: false, found: `${error.code}: ${error.message}`, hint: error.hint });
    return undefined;
  }
}
