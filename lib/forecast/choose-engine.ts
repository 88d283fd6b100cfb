import { type EngineForecasts, type EngineQuestion, forecastEngines } from './engine-forecasts';

/** What a listing counted of a bucket, and what the rotation file declares of it. */
export interface EngineChoiceQuestion extends EngineQuestion {
  readonly bucket: string;
  /** False: the count stopped early, and the bucket holds at least `versions`. */
  readonly isWhole: boolean;
  /** Object versions from which on jobs are used: `reencrypt.batch.fromVersions`. */
  readonly fromVersions: number;
}

export interface EngineChoice {
  readonly engine: 'local' | 'batch';
  /** For what was counted. */
  readonly forecasts: EngineForecasts;
  /** One sentence without a final period. */
  readonly why: string;
}

/** Chooses the engine of a bucket by the number of its object versions. Pure. */
export function chooseEngine(question: EngineChoiceQuestion): EngineChoice {
  const { bucket, versions, isWhole, fromVersions } = question;
  const number = `${isWhole ? '' : 'at least '}${versions.toLocaleString('en-US')}`;
  const threshold = fromVersions.toLocaleString('en-US');
  return {
    engine: versions >= fromVersions ? 'batch' : 'local',
    forecasts: forecastEngines(question),
    why: `${bucket} holds ${number} object versions; jobs are used from ${threshold} on`,
  };
}
