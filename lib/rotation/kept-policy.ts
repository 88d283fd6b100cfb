/** The key policy that a taken-over key had, as the rotation file keeps it. */
import { z } from 'zod';

/** Statement ids of Keyturn's own statements: a kept policy must not have them, because each id stands once. */
const OWN_SIDS =
  /^(AccountKeepsControl|AdministerWithoutUse|ProveAnImport|DescribeForUse|UseThroughS3|UseByJobsThroughS3|UseBy\w+|DestroyNothing|DestroyOnlyBreakingTheGlass|BreakTheGlass|DisableOnlyUnused)$/;

const POLICY = z.strictObject({
  Version: z.literal('2012-10-17'),
  Id: z.string().optional(),
  Statement: z.array(z.looseObject({ Sid: z.string().optional() })).min(1),
});

/** A statement of a policy, as KMS has it. */
export type KeptStatement = Readonly<Record<string, unknown>>;

/** The statements of a kept policy; undefined: it is no policy whose statements can stand beside Keyturn's. */
export function keptStatements(text: string): readonly KeptStatement[] | undefined {
  try {
    const read = POLICY.safeParse(JSON.parse(text));
    if (!read.success) return undefined;
    const { Statement } = read.data;
    return Statement.some(({ Sid }) => Sid !== undefined && OWN_SIDS.test(Sid)) ? undefined : Statement;
  } catch {
    return undefined;
  }
}
