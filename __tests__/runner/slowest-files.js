const path = require('node:path');

const LISTED = 10;

/** Prints, before Jest's own summary, the files that took longest and what the run took in all. */
class SlowestFiles {
  #root;
  #workers;

  constructor({ rootDir, maxWorkers }) {
    this.#root = rootDir;
    this.#workers = maxWorkers;
  }

  onRunComplete(_, { startTime, testResults }) {
    if (testResults.length < 2) return;
    process.stderr.write(
      slowest(
        testResults.map(({ testFilePath, perfStats }) => ({
          file: path.relative(this.#root, testFilePath),
          milliseconds: perfStats.end - perfStats.start,
        })),
        { wall: Date.now() - startTime, workers: this.#workers },
      ),
    );
  }
}

/** The table as text. Times are milliseconds. */
function slowest(files, { wall, workers }) {
  const sum = files.reduce((total, { milliseconds }) => total + milliseconds, 0);
  const first = files.toSorted((left, right) => right.milliseconds - left.milliseconds).slice(0, LISTED);
  const lines = first.map(({ file, milliseconds }) => `${seconds(milliseconds).padStart(9)}  ${file}`);
  const total = `${files.length} files took ${seconds(sum)}, in ${seconds(wall)} of wall time on at most ${workers} workers`;
  return ['', `The ${lines.length} slowest files:`, ...lines, total, ''].join('\n');
}

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;

module.exports = SlowestFiles;
module.exports.slowest = slowest;
