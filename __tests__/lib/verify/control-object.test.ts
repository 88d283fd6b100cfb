import type { Encryption } from '../../../lib/s3/object-version';
import { controlObject } from '../../../lib/verify/control-object';
import { VersionScanner } from '../../../lib/verify/version-scanner';
import { MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, underKey } from '../s3/memory-store';

async function control(bucket: MemoryBucket): Promise<string | undefined> {
  const scanner = new VersionScanner(memoryStore(bucket), { bucket: 'b', activeKeyArn: NEW_KEY });
  await scanner.begin();
  return controlObject(scanner, NEW_KEY);
}

function bucketOf(keys: Readonly<Record<string, Encryption>>): MemoryBucket {
  const bucket = new MemoryBucket();
  bucket.versioning = 'enabled';
  for (const [key, encryption] of Object.entries(keys)) bucket.put(key, { head: { encryption } });
  return bucket;
}

describe('the object on which S3’s filter is tried', () => {
  it('is the one with the longest key, whatever the order of the listing', async () => {
    const under = underKey(NEW_KEY);
    expect(await control(bucketOf({ a: under, 'b/longest': under, cc: under }))).toBe('b/longest');
    expect(await control(bucketOf({ 'a/longest': under, b: under, cc: under }))).toBe('a/longest');
  });

  it('has a key that means the same in any encoding, from its first character to its last', async () => {
    const under = underKey(NEW_KEY);
    for (const odd of [
      'a b longest',
      ' longest-key',
      'longest-key ',
      'ü-longest-key',
      'longest-key+',
      'k'.repeat(513),
    ]) {
      expect(await control(bucketOf({ [odd]: under, 'p/_.-9': under }))).toBe('p/_.-9');
    }
    expect(await control(bucketOf({ ['k'.repeat(512)]: under, b: under }))).toBe('k'.repeat(512));
  });

  it('is current, and under one layer of the active key', async () => {
    const bucket = bucketOf({
      'longest/under-the-old': underKey(OLD_KEY),
      'longest/layers': { kind: 'dsse-kms', keyArn: NEW_KEY },
      'longest/plain': { kind: 'unencrypted' },
      'longest/replaced': underKey(NEW_KEY),
      'longest/deleted': underKey(NEW_KEY),
      short: underKey(NEW_KEY),
    });
    bucket.put('longest/replaced', { head: { encryption: underKey(OLD_KEY) } });
    bucket.delete('longest/deleted');
    expect(await control(bucket)).toBe('short');
    bucket.delete('short');
    expect(await control(bucket)).toBeUndefined();
  });

  it('is none that was deleted since it was listed', async () => {
    const bucket = bucketOf({ 'longest/gone': underKey(NEW_KEY), short: underKey(NEW_KEY) });
    bucket.hooks = {
      after: (operation) => (operation === 'ListObjectVersions' ? bucket.remove('longest/gone', 'v000001') : undefined),
    };
    expect(await control(bucket)).toBe('short');
  });

  it('is looked for among the first 200 of them', async () => {
    const bucket = new MemoryBucket();
    for (let at = 0; at < 200; at += 1) bucket.put(`a${at}`);
    bucket.put('b', { head: { encryption: underKey(NEW_KEY) } });
    expect(await control(bucket)).toBeUndefined();
    bucket.remove('a7', 'null');
    expect(await control(bucket)).toBe('b');
  });
});
