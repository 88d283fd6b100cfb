const Sequencer = require('@jest/test-sequencer').default;

/** What waits for Terraform takes longest; the many small files fill what is left of the other workers' time. */
const isLong = ({ path }) => path.includes('/__tests__/e2e/');

/**
 * Jest's own order (failed last time, slowest last time, largest file), with the end-to-end tests before the others: a machine that
 * remembers no times, such as CI, would start the longest file last.
 */
class LongestFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
}

module.exports = LongestFirst;
