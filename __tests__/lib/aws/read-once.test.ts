import { DescribeKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import type { AwsClients } from '../../../lib/aws/clients';
import { readingOnce } from '../../../lib/aws/read-once';

function counting() {
  const asked: string[] = [];
  let fails = false;
  const send = async ({ input }: { readonly input: { readonly KeyId?: string } }) => {
    asked.push(input.KeyId ?? '');
    if (fails) throw new Error('denied');
    return { asked: asked.length };
  };
  const kms = Object.assign(new KMSClient({ region: 'eu-west-1' }), { send });
  const clients = { kms, s3: new S3Client({ region: 'eu-west-1' }) } as unknown as AwsClients;
  const { kms: once } = readingOnce({ clients }).clients;
  const setFails = (now: boolean): void => {
    fails = now;
  };
  return { asked, once, setFails };
}

const describeKey = (KeyId: string) => new DescribeKeyCommand({ KeyId });

it('asks once for each key, also of two that ask together, and again for another key', async () => {
  const { asked, once } = counting();
  const both = await Promise.all([once.send(describeKey('a')), once.send(describeKey('a'))]);
  expect(both[0]).toBe(both[1]);
  await once.send(describeKey('b'));
  expect(asked).toEqual(['a', 'b']);
});

it('asks again after a failure, and sends every change', async () => {
  const { asked, once, setFails } = counting();
  setFails(true);
  await expect(once.send(describeKey('a'))).rejects.toThrow('denied');
  setFails(false);
  await once.send(describeKey('a'));
  await once.send(new EnableKeyCommand({ KeyId: 'a' }));
  await once.send(new EnableKeyCommand({ KeyId: 'a' }));
  expect(asked).toEqual(['a', 'a', 'a', 'a']);
});
