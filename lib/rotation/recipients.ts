/** Whether age itself takes a recipient. Kinds are the library's: X25519, post-quantum hybrid, and hardware tags. */

/**
 * Those of the recipients that cannot be encrypted to. Each is tried, not only decoded: a public key may be well formed
 * and yet be a point that no encryption can use.
 */
export async function uselessRecipients(recipients: readonly string[]): Promise<ReadonlySet<string>> {
  if (recipients.length === 0) return new Set();
  // ESM only, and slow to load beside the rest: loaded where a file names a recipient.
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
