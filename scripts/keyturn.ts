import { EXIT } from '../lib/errors';
import { zeroAllKeyMaterial } from '../lib/key-material/secret';
import { runCommandLine } from './cli/command-line';

/** The entry point: the only place that touches `process` and exits. */
const stop = new AbortController();
let interrupts = 0;

function interrupt(): void {
  interrupts += 1;
  if (interrupts > 1) process.exit(130);
  process.stderr.write('\nkeyturn: finishing the requests in progress; press Ctrl-C again to stop at once\n');
  stop.abort();
}

// Runs on every exit, including a second Ctrl-C and an uncaught error.
process.on('exit', zeroAllKeyMaterial);
process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);
process.stdout.on('error', noteLostOutput);
// Nobody is left to tell.
process.stderr.on('error', () => undefined);
let hasLostOutput = false;

/**
 * `keyturn … | head` closes the pipe early; that is not a failure. Any other loss, such as a full disk, is one: but a run in progress goes on,
 * since stopping in the middle would help nobody.
 */
function noteLostOutput({ code, message }: NodeJS.ErrnoException): void {
  if (code === 'EPIPE' || hasLostOutput) return;
  hasLostOutput = true;
  process.exitCode ||= EXIT.error;
  process.stderr.write(`keyturn: cannot write the output: ${message}\n`);
}

void runCommandLine(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  signal: stop.signal,
}).then((exitCode) => {
  process.exitCode = exitCode === EXIT.done && hasLostOutput ? EXIT.error : exitCode;
});
