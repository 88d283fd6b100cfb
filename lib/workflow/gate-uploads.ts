import { CLOCK_SLACK } from '../s3/clock-slack';
import type { OpenUploadFound } from '../s3/open-uploads';
import type { BucketVerification } from '../verify/bucket-verification';
import type { GateReason } from './gate-reason';

/** Uploads that are named one by one; the others are counted. */
const NAMED = 5;

/**
 * Reasons about open multipart uploads. An upload is encrypted under the key that its beginning names, by default that of the bucket, and
 * S3 reports that key nowhere before it ends. So whatever is open may end under the old key: by the old default if it was begun before the
 * switch, or within the slack of clocks after it, and by name if it was begun later.
 *
 * @param switchSeenAt - milliseconds, by S3's clock: the run had seen the switch by then
 */
export function uploadReasons(found: BucketVerification, switchSeenAt: number | undefined): GateReason[] {
  const { bucket, openUploads, openUploadsTotal } = found;
  const reasons = openUploads.slice(0, NAMED).map((upload): GateReason => {
    const isOfBefore = switchSeenAt === undefined || Date.parse(upload.initiated) < switchSeenAt + CLOCK_SLACK;
    return isOfBefore
      ? { code: 'uploads-open', subject: upload.key, text: `${said(bucket, upload)}, may finish under it` }
      : {
          code: 'uploads-unknown',
          subject: upload.key,
          text: `${said(bucket, upload)} after the switch, may name it: S3 does not report the key of an open upload`,
        };
  });
  const more = openUploadsTotal - reasons.length;
  if (more > 0) {
    const text = `${bucket} has ${more} more open multipart upload(s) that may finish under it`;
    reasons.push({ code: 'uploads-open', text });
  }
  return reasons;
}

const said = (bucket: string, { key, uploadId, initiated }: OpenUploadFound): string =>
  `the open multipart upload of ${JSON.stringify(key)} in ${bucket} (${uploadId}), begun ${initiated}`;
