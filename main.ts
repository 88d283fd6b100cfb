import { App } from 'cdktf';
import { KeyturnError } from './lib/errors';
import { declareRotations } from './stacks/declare-rotations';

async function main(): Promise<void> {
  const app = new App({ stackTraces: false });
  await declareRotations(app);
  app.synth();
}

main().catch((error: unknown) => {
  if (!(error instanceof KeyturnError)) throw error;
  process.stderr.write(`keyturn: ${error.message}\n  next: ${error.hint}\n`);
  process.exitCode = error.exitCode;
});
