import type { PolicyStatement } from './policy';

/** A statement of a bucket policy that names the old key, so that it must change with the key. */
export interface PinnedKey {
  readonly bucket: string;
  /** The statement's Sid, or `statement 2`. */
  readonly statement: string;
  /** Whether it denies whatever names another key, so that writes under the new key fail. */
  readonly deniesOthers: boolean;
}

/** The condition key for the key that a write names. */
const WRITTEN_KEY = 's3:x-amz-server-side-encryption-aws-kms-key-id';

/** The statements that name the old key by ARN or id and not the new one, or that demand another key of writes, by whatever name. */
export function pinnedKeys(
  bucket: string,
  statements: readonly PolicyStatement[],
  { from, to }: { readonly from: string; readonly to: string },
): readonly PinnedKey[] {
  return statements.flatMap((statement, index) => {
    const pins = statement.conditions.filter(
      ({ key, operator, values }) =>
        !names(values, to) && (names(values, from) || (key === WRITTEN_KEY && !/^null$/i.test(operator))),
    );
    if (pins.length === 0) return [];
    const deniesOthers = statement.effect === 'Deny' && pins.some(({ operator }) => /not/i.test(operator));
    return [{ bucket, statement: statement.sid ?? `statement ${index + 1}`, deniesOthers }];
  });
}

const names = (values: readonly string[], arn: string): boolean => {
  const id = arn.split('/').at(-1) ?? arn;
  return values.some((value) => value.includes(id));
};
