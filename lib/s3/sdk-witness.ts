import { HeadObjectCommand, ListObjectVersionsCommand, type ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import type { ListedMarker, ListedVersion, PageMarker, VersionPage } from './object-version';
import type { sdkCalls } from './sdk-calls';
import { StoreFault } from './store-fault';
import type { Witness } from './witness';

type Output = ListObjectVersionsCommandOutput;

/** The {@link Witness} through the AWS SDK and its parser. */
export function sdkWitness(send: ReturnType<typeof sdkCalls>['send']): Witness {
  return {
    async listVersions({ bucket, after, prefix, limit }, signal) {
      const command = new ListObjectVersionsCommand({
        Bucket: bucket,
        EncodingType: 'url',
        KeyMarker: after?.key,
        VersionIdMarker: after?.versionId,
        Prefix: prefix,
        MaxKeys: limit,
      });
      const output: Output = await send('ListObjectVersions', command, signal);
      return pageOf(output, bucket, after);
    },
    async head({ bucket, key, versionId }, signal) {
      const command = new HeadObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId });
      const { VersionId, ServerSideEncryption, SSEKMSKeyId } = await send('HeadObject', command, signal);
      return { versionId: VersionId, algorithm: ServerSideEncryption, keyId: SSEKMSKeyId };
    },
  };
}

function pageOf(output: Output, bucket: string, after: PageMarker | undefined): VersionPage {
  if (output.Name !== bucket) throw invalid(`it names the bucket ${JSON.stringify(output.Name)}, not ${bucket}`);
  if (output.IsTruncated === undefined) throw invalid('it does not state whether more follows (IsTruncated)');
  const decode = decoder(output.EncodingType);
  const versions = (output.Versions ?? []).map(
    (one): ListedVersion => ({
      ...placeOf(one, decode),
      isLatest: one.IsLatest ?? false,
      size: one.Size ?? 0,
      etag: one.ETag ?? '',
      lastModified: one.LastModified?.getTime() ?? 0,
      storageClass: one.StorageClass ?? 'STANDARD',
    }),
  );
  const deleteMarkers = (output.DeleteMarkers ?? []).map(
    (one): ListedMarker => ({ ...placeOf(one, decode), lastModified: one.LastModified?.getTime() ?? 0 }),
  );
  for (const entries of [versions, deleteMarkers]) requireOrder(entries, after);
  requireOnce([...versions, ...deleteMarkers]);
  return { versions, deleteMarkers, next: nextOf(output, decode, after) };
}

function nextOf(output: Output, decode: Decode, after: PageMarker | undefined): PageMarker | undefined {
  if (!output.IsTruncated) return undefined;
  if (!output.Versions?.length && !output.DeleteMarkers?.length) throw invalid('more follows, but it lists nothing');
  const key = decode(output.NextKeyMarker, 'NextKeyMarker');
  const next = { key, versionId: output.NextVersionIdMarker };
  const order = after === undefined ? 1 : bytewise(key, after.key);
  const leadsOn = order > 0 || (order === 0 && after?.versionId !== undefined && after.versionId !== next.versionId);
  if (!leadsOn) throw invalid(`its marker ${JSON.stringify(key)} does not lead past the one that was sent`);
  return next;
}

type Decode = (text: string | undefined, element: string) => string;

function decoder(encoding: string | undefined): Decode {
  if (encoding !== undefined && encoding !== 'url')
    throw invalid(`its keys are encoded as ${JSON.stringify(encoding)}`);
  return (text, element) => {
    if (text === undefined || text === '') throw invalid(`it has no ${element} where one is due`);
    if (encoding === undefined) return text;
    try {
      return decodeURIComponent(text.replace(/\+/g, '%20'));
    } catch (error) {
      throw invalid(`${JSON.stringify(text)} is not URL-encoded`, error);
    }
  };
}

/** Without its version id an entry would be asked for as another version. */
function placeOf({ Key, VersionId }: { Key?: string | undefined; VersionId?: string | undefined }, decode: Decode) {
  const key = decode(Key, 'Key');
  if (VersionId === undefined || VersionId === '') throw invalid(`the entry ${JSON.stringify(key)} has no VersionId`);
  return { key, versionId: VersionId };
}

/** Keys in the order of their bytes, behind the marker: what is out of order was left out somewhere, or is to come again. */
function requireOrder(entries: readonly { readonly key: string }[], after: PageMarker | undefined): void {
  let before = after?.key;
  for (const { key } of entries) {
    const order = before === undefined ? 1 : bytewise(key, before);
    if (order < 0) throw invalid(`it lists ${JSON.stringify(key)} behind ${JSON.stringify(before)}`);
    if (order === 0 && key === after?.key && after.versionId === undefined) {
      throw invalid(`it lists ${JSON.stringify(key)} again, although the marker is behind it`);
    }
    before = key;
  }
}

function requireOnce(entries: readonly { readonly key: string; readonly versionId: string }[]): void {
  const seen = new Set<string>();
  for (const { key, versionId } of entries) {
    const place = `${versionId} ${key}`;
    if (seen.has(place)) throw invalid(`it lists version ${versionId} of ${JSON.stringify(key)} twice`);
    seen.add(place);
  }
}

function bytewise(one: string, other: string): number {
  return one === other ? 0 : Buffer.compare(Buffer.from(one, 'utf8'), Buffer.from(other, 'utf8'));
}

function invalid(reason: string, cause?: unknown): StoreFault {
  const message = `the answer is no valid listing: ${reason}`;
  return new StoreFault({ operation: 'ListObjectVersions', status: 200, code: 'InvalidListing', message }, cause);
}
