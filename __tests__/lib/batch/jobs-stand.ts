import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { BatchRequest, BatchTools } from '../../../lib/batch/batch-request';
import { openJobs } from '../../../lib/batch/jobs';
import { NO_NAMED_SOURCES } from '../../../lib/s3/version-scope';
import type { LocalAwsOptions } from '../../../local-aws';
import { type BatchStand, batchStand, JOBS_BUCKET } from '../../local-aws/s3-control/batch-stand';

export { JOBS_BUCKET } from '../../local-aws/s3-control/batch-stand';

/** An endpoint with a role and a bucket for jobs, and what re-encryption by jobs is asked for there. */
export interface JobsStand extends BatchStand {
  readonly directory: string;
  tools(over?: { readonly signal?: AbortSignal }): BatchTools;
  /** Under the new key, confirmed at once, with all that a run keeps in a directory of its own. */
  jobsRequest(bucket: string, over?: Over): BatchRequest;
}

type Over = Partial<Omit<BatchRequest, 'scope' | 'place'>> & {
  readonly scope?: Partial<BatchRequest['scope']>;
  readonly place?: Partial<BatchRequest['place']>;
};

export const RETRY = { attempts: 3, baseMs: 1, capMs: 4 };

export async function jobsStand(options: LocalAwsOptions = {}): Promise<JobsStand> {
  const stand = await batchStand(options);
  const directory = mkdtempSync(path.join(tmpdir(), 'keyturn-jobs-'));
  return {
    ...stand,
    directory,
    tools: ({ signal } = {}) => ({
      store: stand.store(),
      s3: stand.productS3,
      jobs: openJobs({ client: stand.control, account: stand.account, retry: RETRY, signal }),
    }),
    jobsRequest(bucket, { scope, place, ...over } = {}): BatchRequest {
      return {
        scope: { rotation: 'rot', bucket, targetKeyArn: stand.newKey, method: 'rewrap', ...scope },
        place: {
          account: stand.account,
          roleArn: stand.roleArn,
          bucket: JOBS_BUCKET,
          prefix: 'keyturn/rot/',
          priority: 10,
          ...place,
        },
        region: stand.aws.region,
        bucketKeyDefault: true,
        supersededKeyArns: [stand.oldKey],
        sources: { versionKeyArns: [stand.oldKey], unresolvedVersions: [], from: NO_NAMED_SOURCES },
        manifest: 'auto',
        noConcurrentWrites: false,
        confirm: async () => true,
        remainder: { retry: { baseMs: 1, capMs: 8 } },
        journalFile: path.join(directory, `${bucket}.rest.ndjson`),
        jobsFile: path.join(directory, `${bucket}.jobs.json`),
        evidence: { directory: path.join(directory, `${bucket}.outcomes`), name: bucket },
        poll: { firstMs: 2, mostMs: 10 },
        retry: RETRY,
        ...over,
      };
    },
    async close() {
      rmSync(directory, { recursive: true, force: true });
      await stand.close();
    },
  };
}
