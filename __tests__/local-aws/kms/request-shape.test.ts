import * as members from '../../../local-aws/kms/members';
import { blob, integer, list, oneOf, readInput, required, structure } from '../../../local-aws/kms/shapes';
import { KmsFault } from '../../../local-aws/message';

const request = structure({
  KeyId: required(members.keyId),
  AliasName: members.aliasName,
  Limit: members.limit,
  Model: oneOf(['A', 'B']),
  Tags: list(members.tag),
  Blob: blob({ min: 1, max: 4 }),
  Days: integer({ min: 7, max: 30 }),
});

function refusal(value: unknown): string {
  try {
    readInput(request, value);
    return 'accepted';
  } catch (error) {
    return error instanceof KmsFault ? `${error.code}: ${error.message}` : String(error);
  }
}

it('reads what is right, in the types of the code', () => {
  const read = readInput(request, { KeyId: 'k', Tags: [{ TagKey: 'a', TagValue: 'b' }], Blob: 'AAA=', Limit: null });
  expect(read).toEqual({ KeyId: 'k', Tags: [{ TagKey: 'a', TagValue: 'b' }], Blob: Buffer.from([0, 0]) });
});

const constraint = "1 validation error detected: Value '";

it.each([
  [
    {},
    "ValidationException: 1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null",
  ],
  [
    { KeyId: '' },
    `ValidationException: ${constraint}' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 1`,
  ],
  [
    { KeyId: 'k', Limit: 1001 },
    `ValidationException: ${constraint}1001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000`,
  ],
  [
    { KeyId: 'k', Model: 'C' },
    `ValidationException: ${constraint}C' at 'model' failed to satisfy constraint: Member must satisfy enum value set: [A, B]`,
  ],
  [
    { KeyId: 'k', AliasName: 'a b' },
    `ValidationException: ${constraint}a b' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9:/_-]+`,
  ],
  [
    { KeyId: 'k', Tags: [{ TagKey: '', TagValue: 'v' }] },
    `ValidationException: ${constraint}' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1`,
  ],
  [
    { KeyId: 'k', Extra: 1 },
    `ValidationException: ${constraint}Extra' at 'extra' failed to satisfy constraint: Member must be known to the operation`,
  ],
])('refuses %j in the words of KMS', (value, message) => {
  expect(refusal(value)).toBe(message);
});

it('says everything that is wrong at once', () => {
  expect(refusal({ Days: 3, Model: 'C' })).toMatch(/^ValidationException: 3 validation errors detected: /);
});

it.each([
  [{ KeyId: 1 }, 'NUMBER_VALUE cannot be converted to String'],
  [{ KeyId: 'k', Limit: '1' }, 'STRING_VALUE cannot be converted to Integer'],
  [{ KeyId: 'k', Tags: {} }, 'STRUCTURE_VALUE cannot be converted to List'],
  [[], 'LIST_VALUE cannot be converted to Structure'],
  [{ KeyId: 'k', Blob: '*' }, 'Unable to parse a base64 blob'],
])('refuses the type of %j', (value, message) => {
  expect(refusal(value)).toBe(`SerializationException: ${message}`);
});
