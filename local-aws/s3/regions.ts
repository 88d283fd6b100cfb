import type { AwsRequest } from '../message';
import { type S3Fault, s3Fault } from './fault';
import { routeOf } from './routes';
import { GLOBAL_REGION } from './state/bucket';
import { targetOf } from './wire/target';

/**
 * What S3 answers where a bucket is of another Region than the request is signed for: the endpoint of us-east-1 finds fault with the signature,
 * the others send the client on. GetBucketLocation is answered in us-east-1 for every bucket, and a bucket that exists may be asked for
 * anywhere.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
 *
 * @param regionOf - the Region of a bucket; undefined for one that does not exist
 */
export function elsewhere(request: AwsRequest, regionOf: (bucket: string) => string | undefined): S3Fault | undefined {
  const target = targetOf(request);
  const region = regionOf(target.bucket);
  if (region === undefined || region === request.region) return undefined;
  const operation = routeOf(request, target)?.operation;
  if (operation === 'CreateBucket' || (operation === 'GetBucketLocation' && request.region === GLOBAL_REGION))
    return undefined;
  const headers = { 'x-amz-bucket-region': region };
  if (request.region === GLOBAL_REGION) {
    const message = `The authorization header is malformed; the region '${request.region}' is wrong; expecting '${region}'`;
    return s3Fault('AuthorizationHeaderMalformed', message, { details: { Region: region }, headers });
  }
  const details = { Endpoint: `${target.bucket}.s3.${region}.amazonaws.com`, Bucket: target.bucket };
  return s3Fault('PermanentRedirect', undefined, { details, headers });
}
