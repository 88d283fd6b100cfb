import type { ImportIntents } from '../../key-material/custody/pending-import';
import { materialEvidence } from '../../observation/material-evidence';
import { evidenceFolder } from '../../rotation/own-folder';
import type { Rotation } from '../../rotation/rotation';
import type { MaterialRun } from '../rotation-run';

/** Directory of a rotation's evidence. */
export const evidenceDirectory = ({ file }: Pick<Rotation, 'file'>): string => evidenceFolder(file);

/** What this rotation's runs meant to import, kept in its evidence: a pending import that no run meant is not imported. */
export function importIntents({ rotation, evidence }: Pick<MaterialRun, 'rotation' | 'evidence'>): ImportIntents {
  return {
    async record(intended) {
      await evidence.record('intent', 'import-material', { ...intended });
    },
    async ofCopy(version, binding) {
      const { intended } = await materialEvidence(evidenceDirectory(rotation), rotation.name);
      return intended.find((one) => one.version === version && one.binding === binding);
    },
    async holds(wanted) {
      const { intended } = await materialEvidence(evidenceDirectory(rotation), rotation.name);
      const text = (one: typeof wanted) =>
        [
          one.version,
          one.keyArn,
          one.binding,
          one.wrappedSha256,
          one.publicKeySha256,
          ...[...one.recipients].sort(),
        ].join();
      return intended.some((one) => text(one) === text(wanted));
    },
  };
}
