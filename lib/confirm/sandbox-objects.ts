import {
  CopyObjectCommand,
  GetObjectAnnotationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectAnnotationCommand,
  PutObjectCommand,
  type S3Client,
  UpdateObjectEncryptionCommand,
} from '@aws-sdk/client-s3';
import { called } from '../aws/failures';

/** One object of the sandbox's bucket; without a version id its current version. */
export interface ObjectRef {
  readonly key: string;
  readonly versionId?: string | undefined;
}

const ANNOTATION = 'keyturn-confirm';

/** The requests about objects that probes make. Every one throws as `called` does. */
export class SandboxObjects {
  readonly #s3: S3Client;
  readonly bucket: string;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.bucket = bucket;
  }

  /** Writes a few bytes under a KMS key, or under S3's own where none is named. */
  async put(key: string, keyArn?: string): Promise<ObjectRef> {
    const command = new PutObjectCommand({
      Bucket: this.bucket,
      Key: key,
      Body: `an object of keyturn confirm: ${key}`,
      // Named in both cases: a probe changes the default of the bucket.
      ...(keyArn === undefined
        ? { ServerSideEncryption: 'AES256' }
        : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn }),
    });
    const { VersionId } = await called('s3:PutObject', this.#arn(key), () => this.#s3.send(command));
    return { key, versionId: VersionId };
  }

  async read(ref: ObjectRef): Promise<void> {
    const command = new GetObjectCommand(this.#named(ref));
    const { Body } = await called('s3:GetObject', this.#arn(ref.key), () => this.#s3.send(command));
    await Body?.transformToByteArray();
  }

  /** @returns the ARN of its KMS key, if it has one */
  async head(ref: ObjectRef): Promise<string | undefined> {
    const command = new HeadObjectCommand(this.#named(ref));
    return (await called('s3:GetObject', this.#arn(ref.key), () => this.#s3.send(command))).SSEKMSKeyId;
  }

  async rewrap(ref: ObjectRef, keyArn: string): Promise<void> {
    const command = new UpdateObjectEncryptionCommand({
      ...this.#named(ref),
      ObjectEncryption: { SSEKMS: { KMSKeyArn: keyArn, BucketKeyEnabled: false } },
    });
    await called('s3:UpdateObjectEncryption', this.#arn(ref.key), () => this.#s3.send(command));
  }

  /** CopyObject of the current version onto itself that changes the encryption alone, or nothing at all. */
  async copyOntoItself(key: string, keyArn?: string): Promise<void> {
    const command = new CopyObjectCommand({
      Bucket: this.bucket,
      Key: key,
      CopySource: `${this.bucket}/${key}`,
      ...(keyArn === undefined ? {} : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn }),
    });
    await called('s3:PutObject', this.#arn(key), () => this.#s3.send(command));
  }

  async annotate({ key, versionId }: ObjectRef): Promise<void> {
    const command = new PutObjectAnnotationCommand({
      ...this.#named({ key, versionId }),
      AnnotationName: ANNOTATION,
      AnnotationPayload: 'an annotation of keyturn confirm',
    });
    await called('s3:PutObjectAnnotation', this.#arn(key), () => this.#s3.send(command));
  }

  async readAnnotation({ key, versionId }: ObjectRef): Promise<void> {
    const named = { ...this.#named({ key, versionId }), AnnotationName: ANNOTATION };
    const answer = await called('s3:GetObjectAnnotation', this.#arn(key), () =>
      this.#s3.send(new GetObjectAnnotationCommand(named)),
    );
    await answer.AnnotationPayload?.transformToByteArray();
  }

  async enableVersions(): Promise<void> {
    const command = new PutBucketVersioningCommand({
      Bucket: this.bucket,
      VersioningConfiguration: { Status: 'Enabled' },
    });
    await called('s3:PutBucketVersioning', this.bucket, () => this.#s3.send(command));
  }

  /** The ids of the versions of one object, as far as they are listed. */
  async listedVersions(key: string): Promise<readonly (string | undefined)[]> {
    const command = new ListObjectVersionsCommand({ Bucket: this.bucket, Prefix: key });
    const { Versions = [] } = await called('s3:ListBucketVersions', this.bucket, () => this.#s3.send(command));
    return Versions.filter(({ Key }) => Key === key).map(({ VersionId }) => VersionId);
  }

  #named({ key, versionId }: ObjectRef) {
    return { Bucket: this.bucket, Key: key, VersionId: versionId };
  }

  #arn(key: string): string {
    return `${this.bucket}/${key}`;
  }
}
