import type { BucketVerification } from '../verify/bucket-verification';
import type { GateReason } from './gate-reason';

/**
 * Reasons about annotations: HEAD names the key of the object, and not that of its annotations. Those of a version that was moved to the
 * active key may still be under the key that it was moved from.
 */
export function annotationReasons({ bucket, annotations }: BucketVerification): GateReason[] {
  const { annotatedTotal, annotated, unknownTotal, unknown } = annotations;
  const reason = (text: string): GateReason => ({ code: 'annotations-unknown', subject: bucket, text });
  const reasons: GateReason[] = [];
  if (annotatedTotal > 0) {
    const [named] = annotated;
    const example = named ? `, such as ${JSON.stringify(named.key)} (version ${named.versionId})` : '';
    reasons.push(
      reason(
        `${bucket} holds ${annotatedTotal} object version(s) with annotations that were moved to the active key${example}: AWS does not say that a rewrap moves annotations, so they may still be under it`,
      ),
    );
  }
  if (unknownTotal > 0) {
    const [named] = unknown;
    const why = named
      ? `, such as ${JSON.stringify(named.key)}: ${named.reason}`
      : ': they were not inspected, and lists that S3 makes do not show annotations';
    reasons.push(
      reason(
        `${bucket} holds ${unknownTotal} object version(s) that may have been moved to the active key, and whether they have annotations is unknown${why}`,
      ),
    );
  }
  return reasons;
}
