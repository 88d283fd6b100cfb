import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { SarifTool } from '../review/review-sarif';
import { readRotationText } from '../rotation/rotation-file';

/** What a SARIF log of this installation says of itself, and the rotation file that its results are placed in. */
export async function sarifTool(rotationFile: string): Promise<SarifTool> {
  const manifest = await readFile(path.join(__dirname, '../../package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  return { version, rotationText: await readRotationText(rotationFile) };
}
