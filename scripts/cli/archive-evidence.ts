import { type PutEvidence, putEvidence } from '../../lib/archive/put-evidence';
import { KeyturnError } from '../../lib/errors';
import type { CommandContext } from './command';

/** After these steps the storage stack is applied, so the bucket exists. */
const AFTER_STORAGE: readonly string[] = ['rotate', 'post-apply'];

/**
 * Archives the evidence of this run and of earlier ones in the evidence bucket of the rotation. Never throws AWS
 * errors: they must not change the result of the run itself.
 */
export async function archiveEvidence(
  { terminal, sideResult }: Pick<CommandContext, 'terminal' | 'sideResult'>,
  { command, ...options }: PutEvidence & { readonly command: string },
): Promise<void> {
  try {
    const archived = await putEvidence({ ...options, onProgress: (text) => terminal.progress(text) });
    if (!archived) return;
    const { bucket, put, there } = archived;
    terminal.note(`evidence bucket ${bucket}: ${put} file(s) uploaded, ${there} already there`);
    sideResult('evidenceBucket', { bucket, put, there });
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    const facts = { bucket: options.rotation.evidence.bucket?.name };
    if (error.code !== 'evidence-bucket-missing' || AFTER_STORAGE.includes(command)) {
      sideResult('evidenceBucket', facts, error);
      return;
    }
    terminal.note(`${error.message}: ${error.hint}`);
    sideResult('evidenceBucket', { ...facts, missing: true });
  }
}
