import { AdaptiveLimiter } from '../../../lib/s3/adaptive-limiter';
import { withPacingAndRetry } from '../../../lib/s3/pacing-and-retry';
import { StoreFault } from '../../../lib/s3/store-fault';

/** How often a request is sent that is always answered so. */
async function attemptsAt(status: number, code: string, operation = 'HeadObject'): Promise<number> {
  const call = withPacingAndRetry(new AdaptiveLimiter(), { baseMs: 0, capMs: 0 }, undefined);
  let attempts = 0;
  const sent = call('s3', () => {
    attempts += 1;
    return Promise.reject(new StoreFault({ operation, status, code, message: code }));
  });
  await expect(sent).rejects.toBeInstanceOf(StoreFault);
  return attempts;
}

describe('a request to S3', () => {
  it.each([
    [403, ''],
    [403, 'AccessDenied'],
    [400, 'ExpiredToken'],
    [404, 'NoSuchKey'],
    [409, 'OperationAborted'],
    [412, 'PreconditionFailed'],
    [400, 'KMS.DisabledException'],
    [501, 'NotImplemented'],
    [400, 'InvalidRequest'],
  ])('is sent once when the answer is %s %s', async (status, code) => {
    expect(await attemptsAt(status, code)).toBe(1);
  });

  it.each([
    [500, 'InternalError'],
    [0, 'ECONNRESET'],
    [504, ''],
  ])('is sent six times when it fails transiently with %s %s', async (status, code) => {
    expect(await attemptsAt(status, code)).toBe(6);
  });

  it.each([
    [503, 'SlowDown'],
    [503, ''],
    [400, 'ThrottlingException'],
  ])('is sent twelve times when it is throttled with %s %s', async (status, code) => {
    expect(await attemptsAt(status, code)).toBe(12);
  });
});
