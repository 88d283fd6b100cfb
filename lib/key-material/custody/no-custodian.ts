import { KeyturnError } from '../../errors';
import type { MaterialCustodian } from './custodian';

/**
 * Stores nothing: for a rotation whose material may be lost with the key. It writes no file, so an interrupted import
 * starts again with new material. Used only with `--no-custody`.
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
      throw new KeyturnError('custody-damaged', { file: locate(), reason: 'no copy was ever saved' });
    },
  };
}
