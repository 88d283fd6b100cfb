import { type LocalAws, type LocalAwsOptions, startLocalAws } from '../../local-aws';
import { createReadyMadeKeys } from '../runner/wrapping-keys';

const wrappingKeySource = createReadyMadeKeys();

/** The embedded endpoint with wrapping keys that were made before the tests: an import costs no search for primes. */
export const startTestAws = (options: LocalAwsOptions = {}): Promise<LocalAws> =>
  startLocalAws({ wrappingKeySource, ...options });
