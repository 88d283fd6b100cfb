import { isCode, type KeyturnError } from '../../../lib/errors';
import { loadRotation } from '../../../lib/rotation/rotation-file';

const NOW = new Date('2026-11-24T00:00:00Z');

const failure = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('loadRotation', () => {
  it('reads the sample with every default filled in', async () => {
    const rotation = await loadRotation('rotation.yaml', { now: NOW });
    expect(rotation).toMatchObject({ name: 'rotation-test', activeVersion: 'v1', deletionWindowDays: 30 });
    expect(rotation.terraform).toEqual({ backend: 'local' });
  });

  it('fails when the file is missing, and says how to make one', async () => {
    const error = await failure(loadRotation('no-such.yaml', { now: NOW }));
    expect(isCode(error, 'rotation-file-missing')).toBe(true);
    expect((error as KeyturnError).exitCode).toBe(78);
  });
});
