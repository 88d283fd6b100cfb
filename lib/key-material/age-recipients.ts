import { KeyturnError } from '../errors';

/** Post-quantum recipients: hybrid and hybrid hardware-tag. */
const POST_QUANTUM = /^age1(pq|tagpq)1/;

/**
 * Checks that every recipient can be encrypted to: X25519 (`age1…`), post-quantum hybrid (`age1pq1…`) and the
 * hardware-tag kinds. The library that encrypts also parses them, so a recipient that passes here does not fail
 * later. Post-quantum and classical recipients cannot be mixed, as in the `age` command: breaking the weaker kind is
 * enough to read the copy.
 *
 * @throws KeyturnError `custody-recipient-invalid` for the first invalid or mixed one
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
    throw invalid(
      classical,
      'it is not post-quantum, but other recipients are: the weaker kind determines the security',
    );
  }
}

function invalid(recipient: string, reason: string): KeyturnError {
  return new KeyturnError('custody-recipient-invalid', { recipient, reason });
}
