import { z } from 'zod';

import { jsonLines } from './plan-outcome';

const DIAGNOSTIC = z.object({
  severity: z.enum(['error', 'warning']),
  summary: z.string(),
  detail: z.string().default(''),
  address: z.string().optional(),
});

/** An error or warning of Terraform. */
export type Diagnostic = z.infer<typeof DIAGNOSTIC>;

const EVENT = z.object({ type: z.literal('diagnostic'), diagnostic: DIAGNOSTIC });

/**
 * Reads the errors from the `-json` output of a command. Lines that are not JSON are ignored: Terraform writes some,
 * for example about its CLI configuration.
 *
 * @see https://developer.hashicorp.com/terraform/internals/machine-readable-ui
 */
export function errorsIn(output: string): readonly Diagnostic[] {
  return jsonLines(output).flatMap((line) => {
    const event = EVENT.safeParse(line);
    return event.success && event.data.diagnostic.severity === 'error' ? [event.data.diagnostic] : [];
  });
}

/** The last `lines` lines of a text, without box drawing and blank lines. */
export function lastLines(text: string, lines = 12): string {
  return text
    .split('\n')
    .map((line) => line.replace(/^[│╷╵]\s?/u, '').trimEnd())
    .filter((line) => line !== '')
    .slice(-lines)
    .join('\n');
}
