import { defineProbe, settled, unforeseen } from './probe';
import { attempt, refusalText } from './refusal';

const rewrapToSameKey = defineProbe({
  setting: 'rewrapToSameKey',
  question: 'Does UpdateObjectEncryption accept the key that the object is under already?',
  documented: 'The reasons for `InvalidRequest` that the API reference lists do not include it',
  ways: {
    accepted: 'Nothing to handle.',
    refused: 'Keyturn looks at each version first and leaves those that are under the target key.',
  },
  async ask({ keys, objects }) {
    const other = await keys.other();
    const ref = await objects.put('rewrapped-twice');
    await objects.rewrap(ref, other);
    const outcome = await attempt('s3:UpdateObjectEncryption', objects.bucket, () => objects.rewrap(ref, other));
    if (outcome === 'accepted') return settled('accepted', 'the second rewrap to the same key succeeded');
    return outcome.code === 'InvalidRequest'
      ? settled('refused', refusalText(outcome))
      : unforeseen(refusalText(outcome));
  },
});

export const rewrapProbes = [rewrapToSameKey];
