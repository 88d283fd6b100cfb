import { Forecaster } from '../forecast/reencryption-forecast';
import type { VersionOutcome } from '../reencrypt/outcome';
import { encryptionLabel } from '../s3/object-version';

/** A forecaster, and what a dry run calls with each outcome to fill it. */
export function dryRunForecaster(): {
  readonly forecaster: Forecaster;
  readonly onOutcome: (one: VersionOutcome) => void;
} {
  const forecaster = new Forecaster();
  const onOutcome = (one: VersionOutcome): void => {
    if (one.outcome === 'would-move') forecaster.addMove(encryptionLabel(one.from), one.size);
    if (one.outcome === 'blocked') forecaster.addBlocked(one.blocked.reason, one.blocked.earliest);
  };
  return { forecaster, onOutcome };
}
