/** What is mutated together, and the tests that must notice. */
export interface MutatedRoom {
  /** Git pathspecs (`:(glob)`) of the files to mutate. */
  readonly files: readonly string[];
  /** Jest globs under the root. Only these run: what nobody but an end-to-end test notices counts as a survivor. */
  readonly tests: readonly string[];
}

/** The rooms that carry verdicts. A room whose files are moved is changed here, and nowhere else. */
export const ROOMS: Readonly<Record<string, MutatedRoom>> = {
  gate: { files: ['lib/steps/gate.ts'], tests: ['__tests__/lib/steps/gate.test.ts'] },
  verify: {
    files: ['lib/objects/verify*.ts'],
    tests: [
      '__tests__/lib/objects/verify.test.ts',
      '__tests__/lib/objects/verify-control.test.ts',
      '__tests__/lib/objects/verify-sources.test.ts',
    ],
  },
  listing: {
    files: ['lib/objects/inventory.ts', 'lib/objects/boundary-key.ts', 'lib/objects/wide-inventory.ts'],
    tests: ['__tests__/lib/objects/*inventory.test.ts', '__tests__/lib/objects/segments.test.ts'],
  },
  evidence: {
    files: ['lib/evidence/check*.ts'],
    tests: [
      '__tests__/lib/evidence/check-outcomes.test.ts',
      '__tests__/lib/evidence/evidence.test.ts',
      '__tests__/lib/evidence/runs.test.ts',
    ],
  },
  review: { files: ['lib/review/**/*.ts'], tests: ['__tests__/lib/review/*.test.ts'] },
  import: {
    files: ['lib/kms/prove-import.ts', 'lib/key-material/**/*.ts'],
    tests: ['__tests__/lib/key-material/**/*.test.ts', '__tests__/lib/kms/import.test.ts'],
  },
};
