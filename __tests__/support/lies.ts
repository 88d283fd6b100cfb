import { type Answer, type Asked, ENTRY, type Lie } from './liar';

/**
 * Single lies about what AWS answered, one line each. A new one is a line here; the property tries it.
 *
 * What nobody can find out is left out: a lie that is told to both clients whenever they ask, about a listing or a HEAD, is
 * what the truth would look like. So a lasting lie is told to one client, and every other once.
 */

const LIST = ['ListObjectVersions'];
const HEAD = ['HeadObject'];
const SSE = 'x-amz-server-side-encryption';
const KEY_ID = 'x-amz-server-side-encryption-aws-kms-key-id';

type Text = (text: string, asked: Asked) => string;

const body = (edit: Text) => (answer: Answer, asked: Asked) =>
  answer.status === 200 ? { ...answer, body: edit(answer.body, asked) } : answer;
/** Changes the entries of a listing. */
const entries = (edit: (all: readonly string[], at: number, asked: Asked) => readonly string[]) =>
  body((xml, asked) => {
    const all = xml.match(ENTRY) ?? [];
    const changed = all.length === 0 ? all : edit(all, asked.pick % all.length, asked);
    return xml.replace(ENTRY, '').replace('</ListVersionsResult>', `${changed.join('')}</ListVersionsResult>`);
  });
/** Changes one entry. */
const entry = (edit: (one: string, all: readonly string[]) => string) =>
  entries((all, at) => all.map((one, index) => (index === at ? edit(one, all) : one)));
const without = (name: string) => new RegExp(`<${name}>.*?</${name}>`, 'gs');
const textOf = (xml: string, name: string) => new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(xml)?.[1] ?? '';
const swapped = (all: readonly string[], at: number) => {
  const other = (at + 1) % all.length;
  return all.map((one, index) => (index === at ? (all[other] ?? one) : index === other ? (all[at] ?? one) : one));
};
const headers =
  (edit: (headers: Readonly<Record<string, string>>, asked: Asked) => Readonly<Record<string, string>>) =>
  (answer: Answer, asked: Asked) =>
    answer.status === 200 ? { ...answer, headers: edit(answer.headers, asked) } : answer;
const drop = (...names: readonly string[]) =>
  headers((all) => Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name))));
const set = (name: string, value: (asked: Asked) => string) =>
  headers((all, asked) => ({ ...all, [name]: value(asked) }));
/** Another key in the header, where there is one. */
const key = (value: (asked: Asked) => string) =>
  headers((all, asked) => (all[KEY_ID] === undefined ? all : { ...all, [KEY_ID]: value(asked) }));
const refuse =
  (status: number, code: string) =>
  (answer: Answer): Answer => ({
    status,
    headers: { date: answer.headers.date ?? new Date().toUTCString(), 'x-amz-request-id': 'LIAR' },
    body: `<Error><Code>${code}</Code><Message>told by the liar</Message></Error>`,
  });
const answerOf =
  (text: string) =>
  (answer: Answer): Answer => ({ ...answer, status: 200, body: text });
const stale = (_answer: Answer, { first }: Asked) => first;
const anEarlier = (answer: Answer, { earlier, pick }: Asked) => earlier[pick % Math.max(1, earlier.length)] ?? answer;
const dated = (seconds: number) =>
  headers((all) => ({ ...all, date: new Date(Date.parse(all.date ?? '') + seconds * 1000).toUTCString() }));
const json = (edit: (value: Record<string, Record<string, unknown>>, asked: Asked) => unknown) =>
  body((text, asked) => JSON.stringify(edit(JSON.parse(text), asked)));
const keyState = (state: string) =>
  json((value) => ({ ...value, KeyMetadata: { ...value.KeyMetadata, KeyState: state, Enabled: state === 'Enabled' } }));

// biome-ignore format: one lie, one line
export const LIES: readonly Lie[] = [
  // Listings: elements.
  { name: 'drops an entry', of: LIST, lasting: true, tell: entries((all, at) => all.filter((_one, index) => index !== at)) },
  { name: 'drops all entries but one', of: LIST, tell: entries((all, at) => [all[at] ?? '']) },
  { name: 'lists an entry twice', of: LIST, lasting: true, tell: entries((all, at) => [...all.slice(0, at + 1), ...all.slice(at)]) },
  { name: 'swaps two entries', of: LIST, lasting: true, tell: entries(swapped) },
  { name: 'lists one entry instead of the next', of: LIST, lasting: true, tell: entries((all, at) => all.map((one, index) => (index === (at + 1) % all.length ? (all[at] ?? one) : one))) },
  { name: 'names the version of another entry', of: LIST, lasting: true, tell: entry((one, all) => one.replace(without('VersionId'), `<VersionId>${textOf(all[0] ?? '', 'VersionId')}</VersionId>`)) },
  { name: 'names no version', of: LIST, lasting: true, tell: entry((one) => one.replace(without('VersionId'), '')) },
  { name: 'names no key', of: LIST, lasting: true, tell: entry((one) => one.replace(without('Key'), '')) },
  { name: 'names an empty key', of: LIST, lasting: true, tell: entry((one) => one.replace(without('Key'), '<Key/>')) },
  { name: 'names another key', of: LIST, tell: entry((one) => one.replace(without('Key'), '<Key>zz-other</Key>')) },
  { name: 'names no ETag', of: LIST, tell: entry((one) => one.replace(without('ETag'), '')) },
  { name: 'names another ETag', of: LIST, tell: entry((one) => one.replace(without('ETag'), '<ETag>&quot;0&quot;</ETag>')) },
  { name: 'names no date', of: LIST, lasting: true, tell: entry((one) => one.replace(without('LastModified'), '')) },
  { name: 'dates an entry to 2020', of: LIST, tell: entry((one) => one.replace(without('LastModified'), '<LastModified>2020-01-01T00:00:00.000Z</LastModified>')) },
  { name: 'makes a delete marker of a version', of: LIST, lasting: true, tell: entry((one) => one.replaceAll('Version>', 'DeleteMarker>').replaceAll('DeleteMarkerId>', 'VersionId>')) },
  { name: 'writes an entry with an attribute', of: LIST, lasting: true, tell: entry((one) => one.replace('<Version>', '<Version xmlns="">')) },
  { name: 'writes an entry under another name', of: LIST, tell: entry((one) => one.replaceAll('<Version>', '<Object>').replaceAll('</Version>', '</Object>')) },
  // Listings: the document.
  { name: 'cuts the listing in the middle', of: LIST, lasting: true, tell: body((xml, { pick }) => xml.slice(0, pick % xml.length)) },
  { name: 'answers an empty body', of: LIST, tell: answerOf('') },
  { name: 'answers an empty result', of: LIST, lasting: true, tell: answerOf('<ListVersionsResult/>') },
  { name: 'answers a listing without entries', of: LIST, tell: entries(() => []) },
  { name: 'answers the page of a portal', of: LIST, lasting: true, tell: answerOf('<html><body>Please log in</body></html>') },
  { name: 'answers another listing', of: LIST, lasting: true, tell: body((xml) => xml.replaceAll('ListVersionsResult', 'ListBucketResult')) },
  { name: 'lists another bucket', of: LIST, lasting: true, tell: body((xml) => xml.replace(without('Name'), '<Name>another</Name>')) },
  { name: 'names no bucket', of: LIST, lasting: true, tell: body((xml) => xml.replace(without('Name'), '')) },
  { name: 'answers what it answered first', of: LIST, lasting: true, tell: stale },
  { name: 'answers an earlier page', of: LIST, tell: anEarlier },
  { name: 'says that nothing follows', of: LIST, tell: body((xml) => xml.replace('<IsTruncated>true', '<IsTruncated>false')) },
  { name: 'says that more follows', of: LIST, lasting: true, tell: body((xml) => xml.replace('<IsTruncated>false', '<IsTruncated>true')) },
  { name: 'does not say whether more follows', of: LIST, lasting: true, tell: body((xml) => xml.replace(without('IsTruncated'), '')) },
  { name: 'sends no marker', of: LIST, lasting: true, tell: body((xml) => xml.replace(without('NextKeyMarker'), '')) },
  { name: 'sends no version marker', of: LIST, lasting: true, tell: body((xml) => xml.replace(without('NextVersionIdMarker'), '')) },
  { name: 'sends a marker that goes back', of: LIST, lasting: true, tell: body((xml) => xml.replace(without('NextKeyMarker'), '<NextKeyMarker>!</NextKeyMarker>')) },
  { name: 'sends a marker that jumps ahead', of: LIST, lasting: true, tell: body((xml) => xml.replace(without('NextKeyMarker'), '<NextKeyMarker>zzzz</NextKeyMarker>')) },
  { name: 'encodes keys and does not say so', of: LIST, tell: body((xml) => xml.replace(without('EncodingType'), '')) },
  { name: 'decodes keys and says that they are encoded', of: LIST, lasting: true, tell: body((xml) => xml.replace(/<Key>([^<]*)<\/Key>/g, (_all, name: string) => `<Key>${decodeURIComponent(name.replaceAll('+', ' ')).replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</Key>`)) },
  { name: 'encodes keys twice', of: LIST, tell: body((xml) => xml.replace(/<Key>([^<]*)<\/Key>/g, (_all, name: string) => `<Key>${encodeURIComponent(name)}</Key>`)) },
  { name: 'names another encoding', of: LIST, lasting: true, tell: body((xml) => xml.replace(without('EncodingType'), '<EncodingType>base64</EncodingType>')) },
  // HEAD: headers.
  { name: 'names no encryption', of: HEAD, lasting: true, tell: drop(SSE) },
  { name: 'names no key of an encryption', of: HEAD, lasting: true, tell: drop(KEY_ID) },
  { name: 'names neither encryption nor key', of: HEAD, lasting: true, tell: drop(SSE, KEY_ID) },
  { name: 'names neither, and dates the version to 2020', of: HEAD, lasting: true, tell: (answer, asked) => set('last-modified', () => 'Wed, 01 Jan 2020 00:00:00 GMT')(drop(SSE, KEY_ID)(answer, asked), asked) },
  { name: 'names SSE-S3', of: HEAD, lasting: true, tell: (answer, asked) => set(SSE, () => 'AES256')(drop(KEY_ID)(answer, asked), asked) },
  { name: 'names SSE-S3 and a key', of: HEAD, lasting: true, tell: set(SSE, () => 'AES256') },
  { name: 'names an encryption that nobody knows', of: HEAD, lasting: true, tell: set(SSE, () => 'aws:backup') },
  { name: 'names the active key', of: HEAD, lasting: true, tell: key(({ facts }) => facts.activeKeyArn) },
  { name: 'names the old key', of: HEAD, lasting: true, tell: key(({ facts }) => facts.oldKeyArn) },
  { name: 'names a key of somebody else', of: HEAD, lasting: true, tell: key(({ facts }) => facts.otherKeyArn) },
  { name: 'names a customer key', of: HEAD, lasting: true, tell: set('x-amz-server-side-encryption-customer-algorithm', () => 'AES256') },
  { name: 'names the bare id of the active key', of: HEAD, lasting: true, tell: key(({ facts }) => facts.activeKeyArn.split('/').at(-1) ?? '') },
  { name: 'names the bare id of the old key', of: HEAD, lasting: true, tell: key(({ facts }) => facts.oldKeyArn.split('/').at(-1) ?? '') },
  { name: 'names an alias', of: HEAD, lasting: true, tell: key(() => 'alias/ledger') },
  { name: 'names the ARN of an alias', of: HEAD, lasting: true, tell: key(({ facts }) => facts.activeKeyArn.replace(/:key\/.*/, ':alias/ledger')) },
  { name: 'names the old key in another Region', of: HEAD, lasting: true, tell: key(({ facts }) => facts.oldKeyArn.replace(/:kms:[^:]+:/, ':kms:us-east-1:')) },
  { name: 'names the old key in capitals', of: HEAD, lasting: true, tell: key(({ facts }) => facts.oldKeyArn.replace(/[^/]+$/, (id) => id.toUpperCase())) },
  { name: 'sends no ETag', of: HEAD, lasting: true, tell: drop('etag') },
  { name: 'sends another ETag', of: HEAD, lasting: true, tell: set('etag', () => '"0"') },
  { name: 'sends no version id', of: HEAD, lasting: true, tell: drop('x-amz-version-id') },
  { name: 'sends another version id', of: HEAD, lasting: true, tell: set('x-amz-version-id', () => 'another') },
  { name: 'sends no date of the object', of: HEAD, lasting: true, tell: drop('last-modified') },
  { name: 'answers for an earlier version', of: HEAD, lasting: true, tell: anEarlier },
  { name: 'answers HEAD as it did first', of: HEAD, lasting: true, tell: stale },
  // HEAD and other calls: refusals.
  { name: 'answers 404 for what is listed', of: HEAD, lasting: true, tell: refuse(404, 'NoSuchKey') },
  { name: 'answers 405 for what is listed', of: HEAD, lasting: true, tell: refuse(405, 'MethodNotAllowed') },
  { name: 'answers 403 to a HEAD', of: HEAD, tell: refuse(403, 'AccessDenied') },
  { name: 'answers 412 to a HEAD', of: HEAD, tell: refuse(412, 'PreconditionFailed') },
  { name: 'answers 500 to a HEAD', of: HEAD, tell: refuse(500, 'InternalError') },
  { name: 'answers 503 to any request', tell: refuse(503, 'SlowDown') },
  { name: 'answers 404 to a listing', of: LIST, tell: refuse(404, 'NoSuchBucket') },
  { name: 'answers 403 to a read', of: ['GetObject'], tell: refuse(403, 'AccessDenied') },
  { name: 'answers 404 to a read', of: ['GetObject'], tell: refuse(404, 'NoSuchKey') },
  { name: 'answers 412 to a rewrap', of: ['UpdateObjectEncryption'], tell: refuse(412, 'PreconditionFailed') },
  { name: 'answers 409 to a rewrap', of: ['UpdateObjectEncryption'], tell: refuse(409, 'OperationAborted') },
  { name: 'answers 404 to a rewrap', of: ['UpdateObjectEncryption'], tell: refuse(404, 'NoSuchKey') },
  { name: 'answers 500 to a rewrap that was done', of: ['UpdateObjectEncryption'], tell: refuse(500, 'InternalError') },
  { name: 'answers 200 to a rewrap that was not done', of: ['UpdateObjectEncryption'], withheld: true, tell: (answer) => answer },
  // Annotations.
  { name: 'knows no annotations', of: ['ListObjectAnnotations'], lasting: true, tell: refuse(501, 'NotImplemented') },
  { name: 'answers 403 about annotations', of: ['ListObjectAnnotations'], lasting: true, tell: refuse(403, 'AccessDenied') },
  { name: 'answers an empty body about annotations', of: ['ListObjectAnnotations'], tell: answerOf('') },
  { name: 'answers part of the object for its annotations', of: ['ListObjectAnnotations'], lasting: true, tell: (answer) => ({ ...answer, status: 206, body: 'x' }) },
  // Clocks.
  { name: 'is a minute behind', tell: dated(-60), lasting: true },
  { name: 'is a day behind', tell: dated(-86_400), lasting: true },
  { name: 'is a minute ahead', tell: dated(60), lasting: true },
  { name: 'is a year ahead', tell: dated(31_536_000), lasting: true },
  { name: 'sends no date', tell: drop('date'), lasting: true },
  // Buckets.
  { name: 'says that the bucket has no versions', of: ['GetBucketVersioning'], tell: body((xml) => xml.replace(without('Status'), '')) },
  { name: 'says that versioning is suspended', of: ['GetBucketVersioning'], tell: body((xml) => xml.replace(without('Status'), '<Status>Suspended</Status>')) },
  { name: 'names the old default', of: ['GetBucketEncryption'], tell: body((xml, { facts }) => xml.replace(facts.activeKeyArn, facts.oldKeyArn)) },
  { name: 'names no default', of: ['GetBucketEncryption'], tell: refuse(404, 'ServerSideEncryptionConfigurationNotFoundError') },
  { name: 'hides open uploads', of: ['ListMultipartUploads'], tell: body((xml) => xml.replace(without('Upload'), '')) },
  { name: 'lists the uploads of another bucket', of: ['ListMultipartUploads'], tell: body((xml) => xml.replace(without('Bucket'), '<Bucket>another</Bucket>')) },
  { name: 'dates uploads to a year ahead', of: ['ListMultipartUploads'], tell: body((xml) => xml.replace(without('Initiated'), `<Initiated>${new Date(Date.now() + 31_536_000_000).toISOString()}</Initiated>`)) },
  { name: 'answers an empty result for uploads', of: ['ListMultipartUploads'], tell: answerOf('<ListMultipartUploadsResult/>') },
  // KMS.
  { name: 'answers 500 to KMS', of: ['DescribeKey', 'DisableKey', 'ListAliases'], tell: (answer) => ({ ...answer, status: 500, body: '{"__type":"KMSInternalException"}' }) },
  { name: 'describes a key as Enabled', of: ['DescribeKey'], tell: keyState('Enabled') },
  { name: 'describes a key as Disabled', of: ['DescribeKey'], tell: keyState('Disabled') },
  { name: 'describes a key as pending deletion', of: ['DescribeKey'], tell: keyState('PendingDeletion') },
  { name: 'describes another key', of: ['DescribeKey'], tell: anEarlier },
  { name: 'says that it disabled a key, and did not', of: ['DisableKey'], withheld: true, tell: answerOf('{}') },
  { name: 'does not find a key', of: ['DescribeKey'], tell: (answer) => ({ ...answer, status: 400, body: '{"__type":"NotFoundException"}' }) },
];
