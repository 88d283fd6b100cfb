const { spawn } = require('node:child_process');

// The compiler uses one core for most of its time, and Jest the others. V8's larger young generation spares Jest a part of its
// garbage collections.
const commands = [
  [require.resolve('typescript/bin/tsc'), '--noEmit', '-p', '.'],
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
