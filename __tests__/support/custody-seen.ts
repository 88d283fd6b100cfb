import type { CustodyOfVersion, ObservedCustody } from '../../lib/observation/observed-custody';

/** Custody that holds each of these versions, drilled or opened whenever it was imported. */
export function custodySeen(
  names: readonly string[],
  importedAt: Date,
  arnOf: (name: string) => string,
): ObservedCustody {
  const held = (version: string): CustodyOfVersion => ({
    recordSha256: 'a'.repeat(64),
    copy: { is: 'there', text: `/r/custody/photos-${version}.age`, binding: 'e'.repeat(64) },
    record: {
      schemaVersion: 1,
      rotation: 'photos',
      version,
      keyArn: arnOf(version),
      keyMaterialId: 'f'.repeat(64),
      custody: {
        kind: 'age',
        location: `photos-${version}.age`,
        recipients: [],
        binding: 'e'.repeat(64),
        opened: true,
      },
      wrapping: {
        algorithm: 'RSAES_OAEP_SHA_256',
        keySpec: 'RSA_4096',
        publicKeySha256: 'f'.repeat(64),
        wrappedSha256: 'f'.repeat(64),
      },
      import: {
        type: 'NEW_KEY_MATERIAL',
        expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
        validTo: null,
        preparedAt: importedAt.toISOString(),
        importedAt: importedAt.toISOString(),
      },
    },
  });
  return { here: true, directory: '/r/custody', versions: new Map(names.map((name) => [name, held(name)])) };
}

/** The same with versions that custody has lost, or never had. */
export function withoutCopies(custody: ObservedCustody, names: readonly string[]): ObservedCustody {
  if (!custody.here) return custody;
  const lost: CustodyOfVersion = {
    record: undefined,
    recordSha256: undefined,
    copy: { is: 'gone', text: '/r/custody' },
  };
  return { ...custody, versions: new Map([...custody.versions, ...names.map((name) => [name, lost] as const)]) };
}
