import { createHash } from 'node:crypto';
import { Crc64Nvme } from '@aws-sdk/crc64-nvme';
import fc from 'fast-check';
import { checksumOf, compositeChecksum, joinCrcs } from '../../../../local-aws/s3/wire/checksum';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const hex = (base64: string) => Buffer.from(base64, 'base64').toString('hex');

/** The check value that the catalogue of CRCs gives for each: the digest of `123456789`. */
test.each([
  ['CRC32', 'cbf43926'],
  ['CRC32C', 'e3069283'],
  ['CRC64NVME', 'ae8b14860a799888'],
  ['SHA1', createHash('sha1').update('123456789').digest('hex')],
  ['SHA256', createHash('sha256').update('123456789').digest('hex')],
] as const)('%s of the check string is %s', (algorithm, expected) => {
  expect(hex(checksumOf(algorithm, Buffer.from('123456789')))).toBe(expected);
});

test('CRC64NVME is that of the SDK', async () => {
  await fc.assert(
    fc.asyncProperty(bytes, async (body) => {
      const other = new Crc64Nvme();
      other.update(body);
      expect(checksumOf('CRC64NVME', body)).toBe(Buffer.from(await other.digest()).toString('base64'));
    }),
  );
});

test.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('%s of parts joins to that of the whole', (algorithm) => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 6 }), (parts) => {
      const joined = joinCrcs(
        algorithm,
        parts.map((part) => ({ checksum: checksumOf(algorithm, part), size: part.length })),
      );
      expect(joined).toBe(checksumOf(algorithm, Buffer.concat(parts)));
    }),
  );
});

test('a composite checksum is the digest of digests', () => {
  const digest = (data: string | Buffer) => createHash('sha256').update(data).digest();
  const composite = compositeChecksum('SHA256', [digest('a').toString('base64'), digest('b').toString('base64')]);
  expect(composite).toBe(digest(Buffer.concat([digest('a'), digest('b')])).toString('base64'));
});

test('fails when asked to join digests that cannot be joined', () => {
  expect(() => joinCrcs('SHA256', [])).toThrow('SHA256 is no CRC');
});
