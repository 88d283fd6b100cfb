import { writeFile } from 'node:fs/promises';
import { KeyturnError } from '../../lib/errors';

/** Writes a file that was asked for by an option. @throws KeyturnError `output-unwritable` */
export async function writeOutput(file: string, content: string): Promise<void> {
  await writeFile(file, content).catch((error: NodeJS.ErrnoException) => {
    throw new KeyturnError('output-unwritable', { file, reason: error.code ?? error.message }, error);
  });
}
