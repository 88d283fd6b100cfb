import { versionPageOfXml } from '../../../lib/s3/direct-responses';

const version = (key: string, etag = '&quot;e&quot;') =>
  `<Version><Key>${key}</Key><VersionId>v1</VersionId><IsLatest>true</IsLatest>` +
  `<LastModified>2026-11-24T00:00:00.000Z</LastModified><ETag>${etag}</ETag><Size>7</Size>` +
  '<StorageClass>STANDARD_IA</StorageClass></Version>';
const MARKER =
  '<DeleteMarker><Key>gone</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest>' +
  '<LastModified>2026-11-24T00:00:01.000Z</LastModified></DeleteMarker>';
const listing = (...entries: readonly string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
  `<Name>b</Name><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${entries.join('')}</ListVersionsResult>`;

it('reads versions and delete markers of a listing', () => {
  expect(versionPageOfXml(listing(version('a%2Fb'), MARKER), 'b')).toEqual({
    versions: [
      {
        key: 'a/b',
        versionId: 'v1',
        isLatest: true,
        size: 7,
        etag: '"e"',
        lastModified: Date.parse('2026-11-24T00:00:00.000Z'),
        storageClass: 'STANDARD_IA',
      },
    ],
    deleteMarkers: [{ key: 'gone', versionId: 'v2', lastModified: Date.parse('2026-11-24T00:00:01.000Z') }],
    next: undefined,
  });
});

it.each([
  ['&quot;e&quot;', '"e"'],
  ['&#34;e&#34;', '"e"'],
  ['&#x22;e&#x22;', '"e"'],
  ['&#x1F511;&#128273;', '\u{1f511}\u{1f511}'],
  ['&#xe9;&#xE9;', 'éé'],
  ['&lt;&gt;&amp;&apos;', "<>&'"],
  ['&amp;#x41;', '&#x41;'],
])('reads an ETag that is written as %s', (written, etag) => {
  expect(versionPageOfXml(listing(version('k', written)), 'b').versions[0]?.etag).toBe(etag);
});

it('reads keys whose characters are written as entities', () => {
  expect(versionPageOfXml(listing(version('a&amp;b&#x7e;&#126;')), 'b').versions[0]?.key).toBe('a&b~~');
});

it('refuses a listing that is cut off, wherever it is cut', () => {
  const whole = listing(version('a'), version('b'), MARKER);
  expect(versionPageOfXml(`${whole}\n`, 'b').versions).toHaveLength(2);
  for (let at = 0; at < whole.length; at += 1) {
    expect(() => versionPageOfXml(whole.slice(0, at), 'b')).toThrow(
      expect.objectContaining({ operation: 'ListObjectVersions', code: 'IncompleteAnswer', status: 0 }),
    );
  }
});

describe('a listing that cannot be believed', () => {
  const whole = listing(version('a'), MARKER);
  const next = '<NextKeyMarker>a</NextKeyMarker>';
  it.each([
    ['of another bucket', whole.replace('<Name>b</Name>', '<Name>c</Name>'), /names the bucket "c", not b/],
    ['of no bucket', whole.replace('<Name>b</Name>', ''), /names no bucket, not b/],
    ['without IsTruncated', whole.replace('<IsTruncated>false</IsTruncated>', ''), /whether more follows/],
    ['with another word for IsTruncated', whole.replace('>false<', '>maybe<'), /whether more follows/],
    ['that is truncated without a marker', whole.replace('>false<', '>true<'), /no NextKeyMarker/],
    [
      'with a version written otherwise',
      whole.replace('<Version>', '<Version xmlns="">'),
      /1 Version element\(s\), of which 0/,
    ],
    ['with an empty version', whole.replace('<Version>', '<Version/><Version>'), /2 Version element\(s\), of which 1/],
    [
      'with a marker written otherwise',
      whole.replace('<DeleteMarker>', '<DeleteMarker a="b">'),
      /1 DeleteMarker element/,
    ],
    ['with a version without a key', whole.replace('<Key>a</Key>', ''), /an entry has no key/],
    [
      'with a key that is not encoded as it says',
      whole.replace('<Key>a</Key>', '<Key>100%</Key>'),
      /"100%" is not URL-encoded/,
    ],
    ['in another encoding', whole.replace('>url<', '>base64<'), /encoded as "base64"/],
  ])('is refused when it is one %s', (_what, xml, message) => {
    expect(() => versionPageOfXml(xml, 'b')).toThrow(
      expect.objectContaining({ code: 'InvalidListing', status: 200, message: expect.stringMatching(message) }),
    );
  });

  it('is refused when it lists again what is not behind the marker that was sent', () => {
    for (const after of [
      { key: 'b', versionId: undefined },
      { key: 'a', versionId: undefined },
      { key: 'b', versionId: 'v' },
    ])
      expect(() => versionPageOfXml(whole, 'b', after)).toThrow(/is not behind the marker/);
    expect(versionPageOfXml(whole, 'b', { key: 'a', versionId: 'v0' }).versions).toHaveLength(1);
  });

  it('is refused when its marker does not lead on', () => {
    const page = whole.replace('>false</IsTruncated>', `>true</IsTruncated>${next}`);
    expect(versionPageOfXml(page, 'b').next?.key).toBe('a');
    const empty = listing().replace('>false</IsTruncated>', `>true</IsTruncated>${next}`);
    for (const after of ['a', 'b'])
      expect(() => versionPageOfXml(empty, 'b', { key: after, versionId: undefined })).toThrow(/does not lead past/);
  });
});

it.each(['a+b.pdf', '100%25.txt', '100%', 'a%2Fb'])(
  'takes the key %s as it is where the answer names no encoding',
  (key) => {
    const plain = listing(version(key)).replace('<EncodingType>url</EncodingType>', '');
    expect(versionPageOfXml(plain, 'b').versions[0]?.key).toBe(key);
  },
);
