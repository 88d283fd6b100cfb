import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call, Handler } from '../call';
import { notConfigured, type S3Code } from '../fault';
import { emptyAnswer, xmlAnswer } from '../wire/answer';
import { leaf, xmlDocument } from '../wire/xml-writer';

/**
 * Features a bucket may have on AWS and never has here. Reads answer as for a bucket without them, deletes succeed, and
 * writes are not implemented.
 */
function missing(code: S3Code): Handler {
  return (call) => {
    openBucket(call);
    throw notConfigured(call, code);
  };
}

function empty(root: string): Handler {
  return (call) => {
    openBucket(call);
    return xmlAnswer(xmlDocument(root));
  };
}

/** Configurations with an `id` are listed without one, and looked up with one. */
function emptyList(root: string): Handler {
  return (call) => {
    openBucket(call);
    if (call.query.has('id')) throw notConfigured(call, 'NoSuchConfiguration');
    return xmlAnswer(xmlDocument(root, leaf('IsTruncated', false)));
  };
}

export const getBucketCors = missing('NoSuchCORSConfiguration');
export const getBucketWebsite = missing('NoSuchWebsiteConfiguration');
export const getBucketMetadataConfiguration = missing('MetadataConfigurationNotFound');
export const getBucketAccelerateConfiguration = empty('AccelerateConfiguration');
export const getBucketLogging = empty('BucketLoggingStatus');
export const getBucketNotificationConfiguration = empty('NotificationConfiguration');
export const listBucketAnalyticsConfigurations = emptyList('ListBucketAnalyticsConfigurationResult');
export const listBucketIntelligentTieringConfigurations = emptyList('ListBucketIntelligentTieringConfigurationsOutput');
export const listBucketMetricsConfigurations = emptyList('ListMetricsConfigurationsResult');

/** DeleteBucketCors, …Website. */
export function deleteNothing(call: Call): AwsResponse {
  openBucket(call);
  return emptyAnswer(204);
}
