/**
 * Every retry of Keyturn, by the caller that sends a failed request again: which faults, how often, how long. Nothing is
 * retried that has no entry here, and callers take their numbers from here. Layers multiply: the SDK's own attempts lie
 * below those of its callers. Waiting for a state (a job, a key, an upload) is polling and no retry.
 *
 * Times are milliseconds. An entry with `attempts` waits a random time up to `baseMs * 2 ** attempt`, at most `capMs`. An entry
 * with `timeoutMs` repeats every `pauseMs` until that time is over.
 */
export const RETRY_POLICY = {
  /**
   * One S3 request about an object version or a bucket: `lib/s3/pacing-and-retry.ts`. What S3 answered is classified in
   * `lib/s3/store-fault.ts`; `lib/s3/fault-policy.ts` decides which kinds are throttled, transient, or never retried.
   */
  's3 request': { attempts: { throttled: 12, transient: 6 }, baseMs: 50, capMs: 20_000 },

  /** A request of the direct S3 client whose credentials expired, once with new ones: `lib/s3/direct-store.ts`. */
  'expired credentials': { attempts: 2, codes: ['ExpiredToken', 'TokenRefreshRequired'] },

  /** A version that other writers keep replacing is inspected and decided again: `lib/reencrypt/move-version.ts`. */
  'contended version': { attempts: 8 },

  /** A call about jobs, or for one of their files: `lib/batch/retry.ts`. `errors` are Keyturn's codes, `codes` AWS's. */
  'job call': {
    attempts: 8,
    baseMs: 250,
    capMs: 20_000,
    errors: ['aws-throttled', 'aws-endpoint-unreachable'],
    codes: [
      'InternalServiceException',
      'InternalError',
      'ServiceUnavailable',
      'RequestTimeout',
      'HTTP 500',
      'HTTP 502',
      'HTTP 503',
      'HTTP 504',
    ],
  },

  /** The body of a job's file is requested again from where it broke off, after `baseMs * attempt`: `lib/batch/job-files.ts`. */
  'job file body': { attempts: 8, baseMs: 250, messages: /aborted|premature|terminated|socket/i },

  /** Tasks of a job that S3 reports as failed: at most this many jobs try them again. `lib/batch/job-report.ts`, `run-jobs.ts`. */
  'job task': {
    jobs: 2,
    codes:
      /^(SlowDown|ServiceUnavailable|InternalError|InternalServiceError|RequestTimeout|Throttling.*|TooManyRequests|KMS\.(Throttling|KMSInternal|DependencyTimeout).*)$/,
    statuses: [429, 500, 503],
  },

  /** A key that Terraform has just created is not yet visible to every KMS host: `lib/kms/import-parameters.ts`. */
  'kms visibility': { codes: ['NotFoundException', 'KMSInvalidStateException'], pauseMs: 500, timeoutMs: 15_000 },

  /** GetParametersForImport has a quota of one call in 4 s for each account and Region: `lib/kms/import-parameters.ts`. */
  'kms import quota': { codes: ['ThrottlingException'], pauseMs: 4_100, timeoutMs: 60_000 },

  /**
   * LookupEvents has a quota of two calls a second for each account and Region, which others in the account use, too:
   * `lib/cloudtrail/key-events.ts`. A page is requested `pauseMs` after the last one.
   */
  'trail lookup': { codes: ['ThrottlingException'], attempts: 10, baseMs: 500, capMs: 10_000, pauseMs: 500 },

  /** An import has not yet reached every KMS host: `lib/kms/prove-import.ts`. */
  'kms proof': {
    codes: ['KMSInvalidStateException', 'NotFoundException', 'DisabledException', 'KeyUnavailableException'],
    pauseMs: 500,
    timeoutMs: 60_000,
  },

  /**
   * Every call through an AWS SDK client: the SDK's own decision and `AWS_MAX_ATTEMPTS`, except for these codes, which
   * no attempt cures: `lib/aws/sdk-retries.ts`. The SDK counts `LimitExceededException` as throttling, but in KMS it is a
   * quota of things (rotations, aliases, grants), so that waiting only hides the reason.
   */
  sdk: { terminal: ['LimitExceededException'] },
} as const;
