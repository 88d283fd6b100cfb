const Sequencer = require('@jest/test-sequencer').default;

/** What waits for Terraform takes longest; the many small files fill what is left of the other workers' time. */
const isLong = ({ path }) => path.includes('/__tests__/e2e/');

const endToEndFirst = (tests) => [...tests.filter(isLong), ...tests.filter((test) => !isLong(test))];

/**
 * Jest's own order (failed last time, slowest last time, largest file), with the end-to-end tests before the others: a machine that
 * remembers no times, such as CI, would start the longest file last.
 */
class LongestFirst extends Sequencer {
  sort(tests) {
    return endToEndFirst(super.sort(tests));
  }
}

module.exports = LongestFirst;
module.exports.endToEndFirst = endToEndFirst;
