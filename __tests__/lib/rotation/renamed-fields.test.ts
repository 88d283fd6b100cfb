import { faultsOf, textWith } from './rotation-texts';

it.each<[string, Record<string, unknown>, string, string]>([
  ['alsoVerify', { retire: { alsoVerify: ['archive'] } }, 'retire.alsoVerify', 'verifyOnlyBuckets'],
  [
    'writersPaused',
    { reencrypt: { engine: 'batch', batch: { bucket: 'test-jobs', writersPaused: true } } },
    'reencrypt.batch.writersPaused',
    'noConcurrentWrites',
  ],
])('refuses %s and names the field that replaced it', async (given, change, path, present) => {
  expect(await faultsOf(textWith(change))).toEqual([
    expect.objectContaining({
      path,
      given: `an unknown field "${given}"`,
      change: `did you mean "${present}"?`,
    }),
  ]);
});

it('does not suggest the new name in a mapping that does not have the field', async () => {
  const [fault] = await faultsOf(textWith({ alsoVerify: [] }));
  expect(fault?.change).toBe('remove it');
});
