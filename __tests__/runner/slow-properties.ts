import fc from 'fast-check';
import { runs } from './slow';

/** Before each test file under `SLOW=1`: the properties that name no number of runs. fast-check's own number is 100. */
fc.configureGlobal({ numRuns: runs(100) });
