import { GetObjectAnnotationCommand, ListObjectAnnotationsCommand, type S3Client } from '@aws-sdk/client-s3';
import { ownerFields } from './bucket-owner';
import type { VersionRef } from './object-version';
import { sdkFault } from './sdk-calls';

const named = ({ bucket, key, versionId }: VersionRef) => ({
  Bucket: bucket,
  Key: key,
  ...(versionId === undefined ? {} : { VersionId: versionId }),
});

/**
 * The first names of a version's annotations, in the order of S3. s3:ListObjectAnnotations
 *
 * @param owner - id of the account that must own the bucket
 * @throws StoreFault
 */
export async function annotationNames(
  s3: S3Client,
  ref: VersionRef,
  { owner, most, signal }: { readonly owner: string; readonly most: number; readonly signal?: AbortSignal | undefined },
): Promise<readonly string[]> {
  const input = { ...named(ref), MaxAnnotationResults: most, ...ownerFields({}, owner) };
  const { Annotations = [] } = await faulted('ListObjectAnnotations', signal, () =>
    s3.send(new ListObjectAnnotationsCommand(input), signal ? { abortSignal: signal } : {}),
  );
  return Annotations.flatMap(({ AnnotationName }) => AnnotationName ?? []);
}

/** Reads an annotation whole, which takes the key that it is under: at most 1 MiB, and nothing is kept. s3:GetObjectAnnotation @throws StoreFault */
export async function readAnnotation(
  s3: S3Client,
  ref: VersionRef,
  name: string,
  signal?: AbortSignal | undefined,
): Promise<void> {
  const command = new GetObjectAnnotationCommand({ ...named(ref), AnnotationName: name });
  await faulted('GetObjectAnnotation', signal, async () => {
    const { AnnotationPayload } = await s3.send(command, signal ? { abortSignal: signal } : {});
    await AnnotationPayload?.transformToByteArray();
  });
}

async function faulted<T>(operation: string, signal: AbortSignal | undefined, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    signal?.throwIfAborted();
    throw sdkFault(operation, error);
  }
}
