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
  `<Name>b</Name><IsTruncated>false</IsTruncated>${entries.join('')}</ListVersionsResult>`;

it('reads versions and delete markers of a listing', () => {
  expect(versionPageOfXml(listing(version('a%2Fb'), MARKER))).toEqual({
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
  expect(versionPageOfXml(listing(version('k', written))).versions[0]?.etag).toBe(etag);
});

it('reads keys whose characters are written as entities', () => {
  expect(versionPageOfXml(listing(version('a&amp;b&#x7e;&#126;'))).versions[0]?.key).toBe('a&b~~');
});

it('refuses a listing that is cut off, wherever it is cut', () => {
  const whole = listing(version('a'), version('b'), MARKER);
  expect(versionPageOfXml(`${whole}\n`).versions).toHaveLength(2);
  for (let at = 0; at < whole.length; at += 1) {
    expect(() => versionPageOfXml(whole.slice(0, at))).toThrow(
      expect.objectContaining({ operation: 'ListObjectVersions', code: 'IncompleteAnswer', status: 0 }),
    );
  }
});
