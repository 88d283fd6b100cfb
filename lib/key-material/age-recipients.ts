import { KeyturnError } from '../errors';

/** Recipients that a quantum computer does not open: hybrid and hybrid hardware-tag. */
const POST_QUANTUM = /^age1(pq|tagpq)1/;

/**
 * Checks that every recipient can be encrypted to: X25519 (`age1…`), post-quantum hybrid (`age1pq1…`) and the
 * hardware-tag kinds. Parsed by the library that will encrypt, so nothing passes here and fails later. Post-quantum and
 * classical recipients do not mix, as in the `age` command: whoever breaks the weaker one reads the copy.
 *
 * @throws KeyturnError `custody-recipient-invalid` for the first that is none, or that does not mix
 */
export async function checkRecipients(recipients: readonly string[]): Promise<void> {
  const { Encrypter } = await import('age-encryption');
  for (const recipient of recipients) {
    if (/^AGE-SECRET-KEY-/i.test(recipient))
      throw invalid('a secret identity', 'this is an identity, which must stay secret');
    try {
      new Encrypter().addRecipient(recipient);
    } catch (error) {
      throw invalid(recipient, (error as Error | undefined)?.message ?? String(error));
    }
  }
  const classical = recipients.find((recipient) => !POST_QUANTUM.test(recipient));
  if (classical && recipients.some((recipient) => POST_QUANTUM.test(recipient))) {
    throw invalid(classical, 'it is no post-quantum one, and others beside it are: the weaker one decides');
  }
}

function invalid(recipient: string, reason: string): KeyturnError {
  return new KeyturnError('custody-recipient-invalid', { recipient, reason });
}
