import { KeyturnError } from '../../errors';
import type { MaterialCustodian } from './custodian';

/**
 * Keeps nothing: for a rotation whose material may be lost with the key. It writes no file at all, so an interrupted
 * import begins anew with other material. Chosen only where a person says so (`--no-custody`).
 */
export function createNoCustodian(rotation: string): MaterialCustodian {
  const locate = () => 'no custody';
  return {
    kind: 'none',
    rotation,
    recipients: [],
    ledger: undefined,
    locate,
    copyBinding: async () => undefined,
    seal: async () => ({ binding: 'none', store: async () => undefined }),
    async open() {
      throw new KeyturnError('custody-damaged', { file: locate(), reason: 'no copy was ever kept' });
    },
  };
}
