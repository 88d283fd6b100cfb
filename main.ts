import { App } from 'cdktf';
import { KeyturnError } from './lib/errors';
import { loadRotation } from './lib/rotation/rotation-file';
import { KeysStack } from './stacks/keys-stack';
import { StorageStack } from './stacks/storage-stack';

async function main(): Promise<void> {
  const app = new App({ stackTraces: false });
  const file: unknown = app.node.tryGetContext('rotationFile');
  const rotation = await loadRotation(typeof file === 'string' ? file : 'rotation.yaml');
  // No dependency between the two: otherwise cdktf refuses to deploy the storage stack alone, which is the usual case.
  new KeysStack(app, rotation);
  new StorageStack(app, rotation);
  app.synth();
}

main().catch((error: unknown) => {
  if (!(error instanceof KeyturnError)) throw error;
  process.stderr.write(`keyturn: ${error.message}\n  next: ${error.hint}\n`);
  process.exitCode = error.exitCode;
});
