import * as members from '../members';
import { keyFor, operation, seconds } from '../operation';
import { required, structure } from '../shapes';

/** AWS began to track uses on this day. */
const trackingBegan = Date.UTC(2026, 3, 23);

/**
 * The last successful use, without the delay of up to an hour that AWS allows itself.
 * https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html
 */
const getKeyLastUsage = operation(structure({ KeyId: required(members.keyId) }), (call, { KeyId }) => {
  const key = keyFor(call, KeyId);
  const used = key.lastUsage;
  return {
    KeyId: key.arn,
    KeyLastUsage:
      used === undefined
        ? {}
        : {
            Operation: used.operation,
            Timestamp: seconds(used.timestamp),
            CloudTrailEventId: used.eventId,
            KmsRequestId: used.requestId,
          },
    TrackingStartDate: seconds(Math.max(trackingBegan, key.createdAt)),
    KeyCreationDate: seconds(key.createdAt),
  };
});

export const usageOperations = { GetKeyLastUsage: getKeyLastUsage };
