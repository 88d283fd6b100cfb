import { chooseEngine, type EngineChoiceQuestion } from '../../../lib/forecast/choose-engine';

const choose = (versions: number, fromVersions: number, over: Partial<EngineChoiceQuestion> = {}) =>
  chooseEngine({
    bucket: 'b',
    versions,
    noncurrent: versions / 2,
    bytes: versions * 10,
    isWhole: versions < fromVersions,
    versioned: true,
    fromVersions,
    bucketKey: true,
    region: 'ap-northeast-1',
    method: 'rewrap',
    verify: 'heads',
    ...over,
  });

describe('the choice of an engine', () => {
  it('takes the local engine below the threshold', () => {
    expect(choose(40, 41)).toMatchObject({
      engine: 'local',
      why: 'b holds 40 object versions; jobs are used from 41 on',
    });
  });

  it('takes jobs from the threshold on', () => {
    expect(choose(40, 40).engine).toBe('batch');
  });

  it('reports a lower bound where the count stopped early', () => {
    expect(choose(30, 25).why).toContain('at least 30');
  });

  it('reports time and cost of either engine, and what of them is not confirmed', () => {
    const { local, batch } = choose(40, 40).forecasts;
    expect(local).toMatchObject({ engine: 'local', jobs: 0, assumed: [] });
    expect(batch).toMatchObject({ engine: 'batch', jobs: 1 });
    expect(batch.assumed.length).toBeGreaterThan(0);
    expect(batch.cost.unconfirmed).toBeGreaterThan(0);
    expect(batch.cost.amount).toBeGreaterThanOrEqual(batch.cost.unconfirmed);
  });

  it('forecasts a job for each encryption where S3 lists what the jobs move', () => {
    expect(choose(1, 1, { manifest: 'generated', noncurrent: 0 }).forecasts.batch.jobs).toBe(2);
  });
});
