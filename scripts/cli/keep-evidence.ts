import { type PutEvidence, putEvidence } from '../../lib/archive/put-evidence';
import { KeyturnError } from '../../lib/errors';
import type { CommandContext } from './command';

/** Once these have run, the storage stack is applied, and with it the bucket is there. */
const AFTER_STORAGE: readonly string[] = ['rotate', 'post-apply'];

/**
 * Puts the evidence of the run that just ended, and of those before it, into the rotation's bucket for it. Never throws what
 * AWS says: how the run itself ended is not for this to change.
 */
export async function keepEvidence(
  { terminal, beside }: Pick<CommandContext, 'terminal' | 'beside'>,
  { command, ...options }: PutEvidence & { readonly command: string },
): Promise<void> {
  try {
    const archived = await putEvidence({ ...options, onProgress: (text) => terminal.progress(text) });
    if (!archived) return;
    const { bucket, put, there } = archived;
    terminal.note(`evidence bucket ${bucket}: ${put} file(s) put, ${there} there already`);
    beside('evidenceBucket', { bucket, put, there });
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    const facts = { bucket: options.rotation.evidence.bucket?.name };
    if (error.code !== 'evidence-bucket-missing' || AFTER_STORAGE.includes(command)) {
      beside('evidenceBucket', facts, error);
      return;
    }
    terminal.note(`${error.message}: ${error.hint}`);
    beside('evidenceBucket', { ...facts, missing: true });
  }
}
