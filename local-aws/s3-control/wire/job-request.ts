import type { XmlElement } from '../../s3/wire/xml-reader';
import { badRequest } from '../fault';
import { generatorReader, type ObjectGenerator } from './generator-request';
import { type JobOperation, operationReader } from './operation-request';
import { bool, integer, list, oneOf, optional, readRoot, required, structure, text } from './reader';

export const BUCKET_ARN = /^arn:[^:]+:s3:::[^/]+$/;
const account = text({ max: 64, pattern: /^\d{12}$/ });

/** Tags of a job: at most 50, keys once. https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-job-tags.html */
const tagReader = structure({
  Key: required(text({ min: 1, max: 128, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u })),
  Value: required(text({ max: 256, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u })),
});
/** The tags of a job. */
export const tagsReader = list(tagReader);
/** The tags of a bucket, whose members have another name. */
export const bucketTagsReader = list(tagReader, { member: 'Tag' });
export const MOST_TAGS = 50;

const reportReader = structure({
  Enabled: required(bool),
  Bucket: optional(text({ min: 1, max: 128, pattern: BUCKET_ARN })),
  Format: optional(oneOf('Report_CSV_20180820')),
  Prefix: optional(text({ min: 1, max: 512 })),
  ReportScope: optional(oneOf('AllTasks', 'FailedTasksOnly')),
  ExpectedBucketOwner: optional(account),
});

const manifestReader = structure({
  Spec: required(
    structure({
      Format: required(oneOf('S3BatchOperations_CSV_20180820', 'S3InventoryReport_CSV_20161130')),
      Fields: optional(list(oneOf('Ignore', 'Bucket', 'Key', 'VersionId'))),
    }),
  ),
  Location: required(
    structure({
      ObjectArn: required(text({ min: 1, max: 2000, pattern: /^arn:[^:]+:s3:::[^/]+\/.+$/s })),
      ObjectVersionId: optional(text({ min: 1, max: 2000 })),
      ETag: required(text({ min: 1, max: 1024 })),
    }),
  ),
});

export type JobReport = ReturnType<typeof reportReader>;
export type JobManifest = ReturnType<typeof manifestReader>;

/** What CreateJob asks for, checked against the model but for what only the state of the account can tell. */
export interface JobRequest {
  readonly operation: JobOperation;
  readonly report: JobReport;
  readonly manifest: JobManifest | undefined;
  readonly generator: ObjectGenerator | undefined;
  readonly priority: number;
  readonly roleArn: string;
  readonly confirmationRequired: boolean;
  readonly clientRequestToken: string;
  readonly description: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
  /** The elements that DescribeJob gives back as they came. */
  readonly said: Readonly<Record<'Operation' | 'Report' | 'Manifest' | 'ManifestGenerator', XmlElement | undefined>>;
  /** Everything but the token, in one order: two requests are the same when this is. */
  readonly canonical: string;
}

const reader = structure({
  AccountId: optional(account),
  ConfirmationRequired: optional(bool),
  Operation: required(operationReader),
  Report: required(reportReader),
  ClientRequestToken: required(text({ min: 1, max: 64 })),
  Manifest: optional(manifestReader),
  Description: optional(text({ min: 1, max: 256 })),
  Priority: required(integer(0, 2_147_483_647)),
  RoleArn: required(text({ min: 1, max: 2048, pattern: /^arn:[^:]+:iam::\d{12}:role\/.+$/ })),
  Tags: optional(tagsReader),
  ManifestGenerator: optional(generatorReader),
});

/**
 * Reads the body of CreateJob. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateJob.html
 *
 * @throws ControlFault `BadRequestException` with the element's path; `NotImplemented` for what is not served.
 */
export function readJobRequest(body: Buffer): JobRequest {
  const root = readRoot(body, 'CreateJobRequest');
  const given = reader(root, 'CreateJobRequest');
  const said = (name: string) => root.children.find((child) => child.name === name);
  if ((given.Manifest === undefined) === (given.ManifestGenerator === undefined))
    throw badRequest('CreateJobRequest', 'must have either Manifest or ManifestGenerator');
  checkReport(given.Report);
  return {
    operation: given.Operation,
    report: given.Report,
    manifest: given.Manifest,
    generator: given.ManifestGenerator,
    priority: given.Priority,
    roleArn: given.RoleArn,
    confirmationRequired: given.ConfirmationRequired ?? false,
    clientRequestToken: given.ClientRequestToken,
    description: given.Description,
    tags: tagMap(given.Tags ?? [], 'CreateJobRequest.Tags'),
    said: {
      Operation: said('Operation'),
      Report: said('Report'),
      Manifest: said('Manifest'),
      ManifestGenerator: said('ManifestGenerator'),
    },
    canonical: canonicalText(root),
  };
}

/** @throws ControlFault `BadRequestException` for more than 50 tags or a key that is there twice. */
export function tagMap(tags: ReturnType<typeof tagsReader>, path: string): ReadonlyMap<string, string> {
  const map = new Map(tags.map(({ Key, Value }) => [Key, Value]));
  if (map.size !== tags.length) throw badRequest(path, 'has a key more than once');
  if (map.size > MOST_TAGS) throw badRequest(path, `has ${map.size} tags; ${MOST_TAGS} are allowed`);
  return map;
}

function checkReport(report: JobReport): void {
  if (!report.Enabled) return;
  for (const name of ['Bucket', 'Format', 'ReportScope'] as const) {
    if (report[name] === undefined)
      throw badRequest(`CreateJobRequest.Report.${name}`, 'is missing though the report is enabled');
  }
}

function canonicalText(element: XmlElement): string {
  const children = element.children.filter(({ name }) => name !== 'ClientRequestToken');
  const sorted = children.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return JSON.stringify([element.name, element.children.length === 0 ? element.text : '', sorted.map(canonicalText)]);
}
