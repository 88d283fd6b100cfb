/** Checks recipients with the age library itself. It supports X25519, post-quantum hybrid, and hardware tags. */

/**
 * The recipients that cannot be encrypted to. Each one is tested by encrypting: a well-formed public key can still be
 * an unusable point.
 */
export async function uselessRecipients(recipients: readonly string[]): Promise<ReadonlySet<string>> {
  if (recipients.length === 0) return new Set();
  // ESM only and slow to load, so it is loaded only if a file names a recipient.
  const { Encrypter } = await import('age-encryption');
  const useless = new Set<string>();
  for (const recipient of new Set(recipients)) {
    try {
      const encrypter = new Encrypter();
      encrypter.addRecipient(recipient);
      await encrypter.encrypt(new Uint8Array(0));
    } catch {
      useless.add(recipient);
    }
  }
  return useless;
}
