import { KeyturnError } from '../errors';

/**
 * Checks that every recipient can be encrypted to: X25519 (`age1…`), post-quantum hybrid (`age1pq1…`) and the
 * hardware-tag kinds. Parsed by the library that will encrypt, so nothing passes here and fails later.
 *
 * @throws KeyturnError `custody-recipient-invalid` for the first that is none
 */
export async function checkRecipients(recipients: readonly string[]): Promise<void> {
  const { Encrypter } = await import('age-encryption');
  for (const recipient of recipients) {
    if (/^AGE-SECRET-KEY-/i.test(recipient))
      throw invalid('a secret identity', 'this is an identity, which must stay secret');
    try {
      new Encrypter().addRecipient(recipient);
    } catch (error) {
      throw invalid(recipient, error instanceof Error ? error.message : String(error));
    }
  }
}

function invalid(recipient: string, reason: string): KeyturnError {
  return new KeyturnError('custody-recipient-invalid', { recipient, reason });
}
