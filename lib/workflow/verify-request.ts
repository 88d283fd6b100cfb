import { versionScope } from '../s3/version-scope';
import type { VerifyRequest } from '../verify/bucket-verification';
import { moveScope } from './move-scope';
import { movedBefore } from './moved-before';
import type { VerifyRun } from './rotation-run';

/** Versions of a bucket that a dress rehearsal reads, besides those in doubt. */
const REHEARSED = 100;

/** What a verification of one bucket is to do, whenever it is made. Reads AWS. */
export async function verifyRequest(run: VerifyRun, bucket: string, activeKeyArn: string): Promise<VerifyRequest> {
  const { reencrypt, signal, reporter, rotation } = run;
  const scope = await moveScope(run, activeKeyArn);
  return {
    bucket,
    activeKeyArn,
    scopeOf: (version) => versionScope(scope, version),
    concurrency: reencrypt.concurrency,
    maxRps: reencrypt.maxRps,
    pace: reencrypt.pace,
    ...(reencrypt.readAll ? { read: 'all' as const } : {}),
    ...(rotation.retire.rehearseAs === undefined ? {} : { rehearse: REHEARSED }),
    movedBefore: await movedBefore(run, activeKeyArn),
    signal,
    onProgress: (text) => reporter.progress(text),
  };
}
