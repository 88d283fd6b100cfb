import { CLOCK_SLACK } from '../s3/clock-slack';
import type { OpenUploadFound } from '../s3/open-uploads';
import type { BucketVerification } from '../verify/bucket-verification';
import type { GateReason } from './gate-reason';
import type { Pin } from './pins';

/** Uploads that are named one by one; the others are counted. */
const NAMED = 5;

/**
 * Reasons about open multipart uploads. An upload is encrypted under the key that its beginning names, by default that
 * of the bucket, and S3 reports that key nowhere before it ends. So whatever is open may end under the old key. If it
 * was begun before the switch, or within the slack of clocks after it, the old default names that key. If it was begun
 * later, the upload itself may. Not so an upload that was begun when the bucket denied writers to name another key. The
 * slack of clocks counts here too: a changed policy needs as long to reach all of S3.
 *
 * @param switchSeenAt - milliseconds, by S3's clock: the run had seen the switch by then
 * @param now - milliseconds, by S3's clock
 */
export function uploadReasons(
  found: BucketVerification,
  switchSeenAt: number | undefined,
  { pin, now }: { readonly pin: Pin | undefined; readonly now: number },
): GateReason[] {
  const { bucket, openUploads, openUploadsTotal } = found;
  const listed = openUploads.filter(({ initiated }) => !isPinned(Date.parse(initiated), pin?.since, now));
  const total = openUploadsTotal - (openUploads.length - listed.length);
  const unpinned = pin?.because === undefined ? '' : ` (pinWriters does not count: ${pin.because})`;
  const reasons = listed.slice(0, NAMED).map((upload): GateReason => {
    const isOfBefore = switchSeenAt === undefined || Date.parse(upload.initiated) < switchSeenAt + CLOCK_SLACK;
    const named = { subject: upload.key, id: upload.uploadId };
    return isOfBefore
      ? { code: 'uploads-open', ...named, text: `${said(bucket, upload)}, may finish under it${unpinned}` }
      : {
          code: 'uploads-unknown',
          ...named,
          text: `${said(bucket, upload)} after the switch, may name it: S3 does not report the key of an open upload${unpinned}`,
        };
  });
  const more = total - reasons.length;
  if (more > 0) {
    const text = `${bucket} has ${more} more open multipart upload(s) that may finish under it`;
    reasons.push({ code: 'uploads-open', text });
  }
  return reasons;
}

/** Begun after the pin had reached all of S3, and not in a future that no clock excuses. */
function isPinned(initiated: number, since: number | undefined, now: number): boolean {
  return since !== undefined && initiated >= since + CLOCK_SLACK && initiated <= now + CLOCK_SLACK;
}

const said = (bucket: string, { key, uploadId, initiated }: OpenUploadFound): string =>
  `the open multipart upload of ${JSON.stringify(key)} in ${bucket} (${uploadId}), begun ${initiated}`;
