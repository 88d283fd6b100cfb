const { spawn } = require('node:child_process');

/** What the compiler found last time: it checks again what changed since, and what that changes. */
const FOUND = 'node_modules/.cache/types.tsbuildinfo';

// The compiler uses one core for most of its time, and Jest the others. V8's larger young generation spares Jest a part of its
// garbage collections.
const commands = [
  [require.resolve('typescript/bin/tsc'), '--noEmit', '-p', '.', '--incremental', '--tsBuildInfoFile', FOUND],
  ['--max-semi-space-size=64', require.resolve('jest/bin/jest'), ...process.argv.slice(2)],
];

const ended = commands.map(
  (command) =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, command, { stdio: 'inherit' });
      child.once('error', () => resolve(1));
      child.once('close', (code) => resolve(code ?? 1));
    }),
);

Promise.all(ended).then(([types, tests]) => {
  if (types !== 0) process.stderr.write('the types are wrong: npm run types\n');
  process.exitCode = types || tests;
});
