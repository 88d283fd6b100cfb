/** What is mutated together, and the tests that must notice. */
export interface MutatedRoom {
  /** Git pathspecs (`:(glob)`) of the files to mutate. */
  readonly files: readonly string[];
  /** Jest globs under the root. Only these run: what nobody but an end-to-end test notices counts as a survivor. */
  readonly tests: readonly string[];
}

/** The rooms that carry verdicts. A room whose files are moved is changed here, and nowhere else. */
export const ROOMS: Readonly<Record<string, MutatedRoom>> = {
  gate: {
    files: [
      'lib/workflow/gate.ts',
      'lib/workflow/gate-annotations.ts',
      'lib/workflow/gate-former-keys.ts',
      'lib/workflow/gate-rehearsal.ts',
      'lib/workflow/gate-uploads.ts',
      'lib/workflow/gate-users.ts',
      'lib/workflow/gate-waivers.ts',
    ],
    tests: ['__tests__/lib/workflow/gate.test.ts', '__tests__/lib/workflow/gate-users.test.ts'],
  },
  drift: {
    files: [
      'lib/observation/drift.ts',
      ...['binding', 'expiry', 'finding', 'materials', 'related-keys'].map(
        (part) => `lib/observation/drift-${part}.ts`,
      ),
    ],
    tests: ['__tests__/lib/observation/drift*.test.ts'],
  },
  custody: {
    files: [
      'lib/observation/custody-standing.ts',
      'lib/observation/drift-custody.ts',
      'lib/observation/observed-custody.ts',
    ],
    tests: [
      '__tests__/lib/observation/drift*.test.ts',
      '__tests__/lib/workflow/require-custody.test.ts',
      '__tests__/scripts/custody-over-time.test.ts',
      '__tests__/scripts/material-findings.test.ts',
    ],
  },
  verdicts: {
    files: [
      'lib/observation/verdict-records.ts',
      'lib/observation/version-verdicts.ts',
      'lib/workflow/retire-verdicts.ts',
    ],
    tests: ['__tests__/scripts/verdicts.test.ts', '__tests__/lib/observation/drift*.test.ts'],
  },
  verify: {
    files: ['lib/verify/*.ts'],
    tests: ['__tests__/lib/verify/*.test.ts'],
  },
  listing: {
    files: ['lib/s3/version-listing.ts', 'lib/s3/boundary-key.ts', 'lib/s3/parallel-listing.ts'],
    tests: ['__tests__/lib/s3/*-listing.test.ts', '__tests__/lib/s3/listing-segments.test.ts'],
  },
  evidence: {
    files: ['lib/evidence/check*.ts'],
    tests: [
      '__tests__/lib/evidence/check-outcomes.test.ts',
      '__tests__/lib/evidence/evidence.test.ts',
      '__tests__/lib/evidence/runs.test.ts',
      '__tests__/lib/evidence/signatures.test.ts',
    ],
  },
  review: { files: ['lib/review/**/*.ts'], tests: ['__tests__/lib/review/*.test.ts'] },
  import: {
    files: ['lib/kms/prove-import.ts', 'lib/key-material/**/*.ts'],
    tests: ['__tests__/lib/key-material/**/*.test.ts', '__tests__/lib/kms/import-key-material.test.ts'],
  },
};
