import fc from 'fast-check';
import type { ListedVersion } from '../../../lib/s3/object-version';
import { ListingDigest, listingOf, rememberListing } from '../../../lib/verify/listing-digest';
import { accountOf } from '../../../lib/verify/version-account';

const UNTIL = Date.parse('2026-11-28T12:00:00Z');
const version = (key: string, more: Partial<ListedVersion> = {}): ListedVersion => ({
  key,
  versionId: 'v',
  etag: '"e"',
  size: 1,
  storageClass: 'STANDARD',
  isLatest: true,
  lastModified: UNTIL - 1,
  ...more,
});

function digestOf(versions: readonly ListedVersion[]): ListingDigest {
  const digest = new ListingDigest(UNTIL);
  for (const one of versions) digest.add(one);
  return digest;
}

const differs = (now: readonly ListedVersion[], before: readonly ListedVersion[]) =>
  digestOf(now).differencesFrom(digestOf(before));

describe('two listings', () => {
  it('do not differ where they hold the same old versions, in whatever order', () => {
    const all = [version('a'), version('b'), version('a', { versionId: 'w' })];
    expect(differs(all.toReversed(), all)).toBeUndefined();
    expect(differs([], [])).toBeUndefined();
  });

  it.each<[string, ListedVersion]>([
    ['is new and bears an old date', version('replica')],
    ['is another version of a key', version('a', { versionId: 'w' })],
    ['has other content', version('a', { etag: '"f"' })],
  ])('differ by a version that %s', (_, one) => {
    const before = [version('a'), version('b')];
    expect(differs([...before, one], before)?.(one)).toBe(true);
    expect(differs(before, [...before, one])?.(one)).toBe(true);
  });

  it('differ in every group in which one of them holds more, and in no other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 20 }), fc.uniqueArray(fc.string()), (before, added) => {
        const old = before.map((key) => version(key));
        const more = added.filter((key) => !before.includes(key)).map((key) => version(key, { versionId: 'new' }));
        const found = differs([...old, ...more], old);
        expect(more.filter((one) => !found?.(one))).toEqual([]);
        expect(found === undefined).toBe(more.length === 0);
      }),
      { numRuns: 100 },
    );
    expect(differs([version('a'), version('b')], [version('a')])?.(version('a'))).toBe(false);
  });

  it('differ by a version that is missing from a group that another one is in', () => {
    // The SHA-256 of both begins with the same 16 bits.
    const pair = [version('key 43'), version('key 66')] as const;
    for (const one of pair) {
      const found = differs(
        pair.filter((other) => other !== one),
        pair,
      );
      expect(pair.map((other) => found?.(other))).toEqual([true, true]);
    }
  });

  it('do not differ by what is not older than the moment, and then by what is dated before it in one of them', () => {
    const recent = version('a', { lastModified: UNTIL });
    expect(differs([recent], [])).toBeUndefined();
    expect(differs([version('a')], [recent])?.(recent)).toBe(true);
  });
});

it('belongs to the account of the verification that made it, and to no other', () => {
  const counts = { listed: 0, underActive: 0, left: 0, outOfScope: 0, unknown: 0, gone: 0, notInspected: 0 };
  const [account, other] = [accountOf('b', counts), accountOf('b', counts)];
  const digest = digestOf([]);
  rememberListing(account, digest);
  expect(listingOf({ account })).toBe(digest);
  expect(listingOf({ account: other })).toBeUndefined();
});
