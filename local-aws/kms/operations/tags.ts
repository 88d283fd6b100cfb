import { KmsFault } from '../../message';
import * as members from '../members';
import { keyFor, operation, refuseManaged, usableKey } from '../operation';
import { page } from '../paging';
import { list, required, string, structure } from '../shapes';

/** Most tags a key can have. */
const maxTags = 50;

interface Tag {
  readonly TagKey: string;
  readonly TagValue: string;
}

/** Tags by key. Throws `TagException` for a key given twice, a reserved key, or too many. */
export function checkTags(tags: readonly Tag[], present: ReadonlyMap<string, string> = new Map()): Map<string, string> {
  const result = new Map(tags.map(({ TagKey, TagValue }) => [TagKey, TagValue]));
  if (result.size !== tags.length) throw new KmsFault('TagException', 'Duplicate tag keys');
  if (tags.some(({ TagKey }) => TagKey.toLowerCase().startsWith('aws:'))) {
    throw new KmsFault('TagException', 'Tags beginning with aws: are reserved');
  }
  const union = new Map([...present, ...result]);
  if (union.size > maxTags) throw new KmsFault('TagException', 'Too many tags');
  return union;
}

const tagResource = operation(
  structure({ KeyId: required(members.keyId), Tags: required(list(members.tag)) }),
  (call, { KeyId, Tags }) => {
    const key = usableKey(call, 'TagResource', KeyId);
    refuseManaged(key);
    for (const [name, value] of checkTags(Tags, key.tags)) key.tags.set(name, value);
    return {};
  },
);

const untagResource = operation(
  structure({ KeyId: required(members.keyId), TagKeys: required(list(string({ min: 1, max: 128 }))) }),
  (call, { KeyId, TagKeys }) => {
    const key = usableKey(call, 'UntagResource', KeyId);
    refuseManaged(key);
    for (const name of TagKeys) key.tags.delete(name);
    return {};
  },
);

const listResourceTags = operation(
  structure({ KeyId: required(members.keyId), Limit: members.limit, Marker: members.marker }),
  (call, { KeyId, Limit = 50, Marker }) => {
    const key = keyFor(call, KeyId);
    const sorted = Array.from(key.tags).sort(([a], [b]) => (a < b ? -1 : 1));
    const { items, end } = page(sorted, ([name]) => name, Limit, Marker);
    return { Tags: items.map(([TagKey, TagValue]) => ({ TagKey, TagValue })), ...end };
  },
);

export const tagOperations = {
  TagResource: tagResource,
  UntagResource: untagResource,
  ListResourceTags: listResourceTags,
};
