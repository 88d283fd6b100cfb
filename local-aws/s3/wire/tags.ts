import { s3Fault } from '../fault';
import { many, one, type Reader, shape, text } from './xml-shape';
import { branch, leaf } from './xml-writer';

const MAX_OBJECT_TAGS = 10;
const MAX_BUCKET_TAGS = 50;
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

export const tagList = many(shape({ Key: one(text), Value: one(text) }));

/** A `Tagging` document. */
export const tagging: Reader<{ readonly TagSet: { readonly Tag: readonly { Key: string; Value: string }[] } }> = shape({
  TagSet: one(shape({ Tag: tagList })),
});

/**
 * Tags by key, in order.
 *
 * @throws S3Fault `InvalidTag` for a key given twice, or one too long or with characters that S3 does not take, or too many.
 */
export function tagMap(
  tags: readonly { readonly Key: string; readonly Value: string }[],
  kind: 'object' | 'bucket',
): ReadonlyMap<string, string> {
  const limit = kind === 'object' ? MAX_OBJECT_TAGS : MAX_BUCKET_TAGS;
  if (tags.length > limit) {
    throw s3Fault('InvalidTag', `${kind === 'object' ? 'Object' : 'Bucket'} tags cannot be greater than ${limit}`);
  }
  const map = new Map<string, string>();
  for (const { Key, Value } of tags) {
    if (Key.length === 0 || Key.length > 128 || !ALLOWED.test(Key) || Key.startsWith('aws:')) {
      throw s3Fault('InvalidTag', 'The TagKey you have provided is invalid', { details: { TagKey: Key } });
    }
    if (Value.length > 256 || !ALLOWED.test(Value)) {
      throw s3Fault('InvalidTag', 'The TagValue you have provided is invalid', {
        details: { TagKey: Key, TagValue: Value },
      });
    }
    if (map.has(Key)) {
      throw s3Fault('InvalidTag', 'Cannot provide multiple Tags with the same key', { details: { TagKey: Key } });
    }
    map.set(Key, Value);
  }
  return map;
}

/** The `x-amz-tagging` header: `a=1&b=2`, form-encoded. */
export function parseTagging(header: string): ReadonlyMap<string, string> {
  const pairs = header.split('&').map((pair) => {
    const equals = pair.indexOf('=');
    const [key, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    return { Key: formDecode(key), Value: formDecode(value) };
  });
  return tagMap(pairs, 'object');
}

function formDecode(raw: string): string {
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    throw s3Fault(
      'InvalidArgument',
      'The header x-amz-tagging shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.',
      {
        details: { ArgumentName: 'x-amz-tagging' },
      },
    );
  }
}

export function tagSet(tags: ReadonlyMap<string, string>): string {
  return branch('TagSet', ...[...tags].map(([key, value]) => branch('Tag', leaf('Key', key), leaf('Value', value))));
}
