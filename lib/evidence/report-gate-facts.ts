/** What records say of the retire gate: who uses a key, what was rehearsed and pinned, what was looked at once it was off. */
import { z } from 'zod';
import { listOf, maybe, text, whole } from './recorded-shapes';

export const gateSchema = z.object({
  version: text,
  open: z.boolean(),
  reasons: listOf(z.object({ code: text, text })),
  waived: listOf(z.object({ reason: z.object({ code: text, text }), waiver: z.object({ reason: text, until: text }) })),
});

const usedSchema = z.object({ who: text, operation: text, bucket: maybe, count: whole, last: text });
export const accessSchema = z.object({
  from: z.object({ version: text }),
  to: z.object({ version: text }),
  findings: whole,
  waived: listOf(usedSchema.extend({ waiver: z.object({ reason: text, until: text }) })),
  unread: listOf(text),
});
/** Who would lose access, as it was known before a switch. */
export type AccessFacts = z.output<typeof accessSchema> & { readonly at: string };

export const watchSchema = z.object({ version: text, failures: listOf(usedSchema) });
/** Who failed because a key was disabled. */
export type WatchFacts = z.output<typeof watchSchema> & { readonly at: string };

export const lookSchema = z.object({
  version: text,
  clean: z.boolean(),
  reasons: listOf(z.object({ code: text, text })),
});
/** What was found once a key was Disabled. */
export type LookFacts = z.output<typeof lookSchema> & { readonly at: string };

export const takenBackSchema = z.object({
  version: text,
  enabled: z.boolean(),
  reasons: listOf(z.object({ code: text, text })),
});
/** A key that was disabled and had to be enabled again. */
export type TakenBackFacts = z.output<typeof takenBackSchema> & { readonly at: string };

export const rehearsalSchema = z.object({
  version: text,
  // Absent: nothing was rehearsed.
  role: maybe,
  because: maybe,
  buckets: listOf(
    z.object({
      bucket: text,
      read: whole,
      failed: listOf(z.object({ key: text, why: maybe })),
      archived: whole,
      customerKey: whole,
      outOfReach: whole,
      gone: whole,
    }),
  ),
  impossible: listOf(text),
});
/** What became of a disable when it was rehearsed. */
export type RehearsalFacts = z.output<typeof rehearsalSchema> & { readonly at: string };

export const pinSchema = z.object({ bucket: text, keyArn: text, inForce: z.boolean(), because: maybe });
/** A look at the writers of a bucket with `pinWriters`. */
export type PinFacts = z.output<typeof pinSchema> & { readonly at: string };

export type GateFacts = z.output<typeof gateSchema> & { readonly at: string };
