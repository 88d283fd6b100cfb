import { z } from 'zod';

const SUMMARY = z.object({ type: z.literal('change_summary'), changes: z.record(z.string(), z.unknown()) });
const CHANGE = z.object({ type: z.literal('planned_change') });
const OUTPUTS = z.object({
  type: z.literal('outputs'),
  outputs: z.record(z.string(), z.object({ action: z.string().optional() })),
});

/** What the `-json` lines of a plan or an apply report. */
export interface ReportedWork {
  /** True if Terraform printed the summary of that operation, which it does only once it has finished. */
  readonly finished: boolean;
  /** True if a line names a change of a resource or of an output. */
  readonly changes: boolean;
}

/**
 * Reads what Terraform itself reports of its work, so that an exit code which a wrapper has changed is noticed.
 * Wrappers of CI systems report 0 for a plan with changes.
 *
 * @param output - stdout of `terraform plan -json` or `terraform apply -json`; lines that are not JSON are ignored
 * @param operation - the operation whose summary counts
 * @see https://developer.hashicorp.com/terraform/internals/machine-readable-ui
 */
export function reportedWork(output: string, operation: 'plan' | 'apply'): ReportedWork {
  let finished = false;
  let changes = false;
  for (const event of jsonLines(output)) {
    const summary = SUMMARY.safeParse(event);
    if (summary.success && summary.data.changes.operation === operation) {
      finished = true;
      changes ||= Object.values(summary.data.changes).some((count) => typeof count === 'number' && count > 0);
    }
    const outputs = OUTPUTS.safeParse(event);
    changes ||= outputs.success && Object.values(outputs.data.outputs).some(({ action }) => action !== 'noop');
    changes ||= CHANGE.safeParse(event).success;
  }
  return { finished, changes };
}

/** The one line of a text that is a JSON object; undefined if there is none, or several. */
export function onlyJsonLine(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => line.startsWith('{'));
  return lines.length === 1 ? lines[0] : undefined;
}

/** The lines of a command's output that are JSON objects, parsed. */
export function jsonLines(output: string): readonly unknown[] {
  return output.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch {
      return [];
    }
  });
}
