import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import type { Bucket } from '../rotation/rotation';
import type { AdaptiveLimiter } from '../s3/adaptive-limiter';
import { VerificationBehind } from '../verify/verification-behind';
import { moveScope } from './move-scope';
import type { ReencryptRun } from './rotation-run';
import { verifyRequest } from './verify-request';

/**
 * Begins the verification of a bucket before anything in it is moved, to look at the versions behind the move. Undefined where every
 * version is inspected afterwards: a rewrite dates each anew, and `--read-all` reads each.
 */
export async function beginLookBehind(
  run: ReencryptRun,
  { name }: Bucket,
  activeKeyArn: string,
  pace: AdaptiveLimiter | undefined,
): Promise<VerificationBehind | undefined> {
  const { dryRun, reencrypt, rotation, store } = run;
  if (dryRun || reencrypt.readAll || rotation.reencrypt.method !== 'rewrap') return undefined;
  const request = await verifyRequest(run, name, activeKeyArn);
  const scope = await moveScope(run, activeKeyArn);
  // The re-encryption reports its progress, and both of them go on at once.
  const behind = new VerificationBehind(store, { ...request, onProgress: undefined }, pace, scope);
  await behind.begin();
  return behind;
}

const LOOKS = new WeakMap<BucketReencryption, VerificationBehind>();

/** Keeps a look beside the re-encryption that it went behind: it is for the same process alone, and in no record. */
export function keepLookBehind(pass: BucketReencryption, behind: VerificationBehind | undefined): void {
  if (behind) LOOKS.set(pass, behind);
}

/** The look behind a re-encryption, once: what was inspected then is too old for a second verification. */
export function takeLookBehind(pass: BucketReencryption): VerificationBehind | undefined {
  const behind = LOOKS.get(pass);
  LOOKS.delete(pass);
  return behind;
}
