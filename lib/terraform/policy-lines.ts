import { z } from 'zod';

const ONE_OR_MORE = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());

/** Strict: a statement with any other member (`NotAction`, …) is shown unchanged, so that nothing is omitted. */
const STATEMENT = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.union([z.literal('*'), z.strictObject({ AWS: ONE_OR_MORE })]),
  Action: ONE_OR_MORE,
  Resource: ONE_OR_MORE,
  Condition: z.record(z.string(), z.record(z.string(), ONE_OR_MORE)).optional(),
});

const DOCUMENT = z.object({
  Statement: z.union([z.array(z.unknown()).min(1), z.looseObject({}).transform((one) => [one])]),
});

/** The statements of an IAM policy document, one line each; undefined for any other text. */
export function policyLines(text: string): readonly string[] | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const document = DOCUMENT.safeParse(JSON.parse(text));
    return document.success ? document.data.Statement.map(statementLine) : undefined;
  } catch {
    return undefined;
  }
}

function statementLine(value: unknown): string {
  const { success, data } = STATEMENT.safeParse(value);
  if (!success) return JSON.stringify(value);
  const who = data.Principal === '*' ? 'everybody' : data.Principal.AWS.join(', ');
  const conditions = Object.entries(data.Condition ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => `${key} ${operator} ${values.join(' or ')}`),
  );
  const bounds = conditions.length === 0 ? '' : `, if ${conditions.join(' and ')}`;
  const where = data.Resource.join(', ') === '*' ? '' : ` on ${data.Resource.join(', ')}`;
  const does = `${data.Effect === 'Allow' ? 'allows' : 'denies'} ${who}: ${data.Action.join(', ')}`;
  return `${data.Sid ? `${data.Sid} ` : ''}${does}${where}${bounds}`;
}
