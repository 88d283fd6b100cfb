/**
 * How far two clocks of AWS, or their answers, may be apart, in milliseconds. One is the `Date` header of a host, the
 * other the time that S3 stored for an object or an upload. 15 minutes is what Signature Version 4 tolerates: a request
 * whose clock is further off is refused, so no answer that Keyturn reads is.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
export const CLOCK_SLACK = 15 * 60_000;
