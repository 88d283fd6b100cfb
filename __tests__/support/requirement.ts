/** Something outside the project that a test cannot do without. */
export interface Requirement {
  /** As a title names it: `the stock age command`. */
  readonly what: string;
  readonly isMet: boolean;
  /** What to type to get it. */
  readonly install: string;
}

type Define = (title: string, body: jest.ProvidesCallback, timeout?: number) => void;

/**
 * `it` for tests that need something. Without it they are skipped, and their titles say why; in CI they fail, so that no skip
 * hides there.
 */
export function itWith(requirement: Requirement): Define {
  if (requirement.isMet) return it;
  if (process.env.CI) return (title) => it(title, () => fail(requirement));
  return (title, body) => it.skip(skippedTitle(title, requirement), body);
}

/** The same for `describe`. */
export function describeWith(requirement: Requirement): (title: string, body: () => void) => void {
  if (requirement.isMet) return describe;
  if (process.env.CI) return (title) => describe(title, () => it('has what it needs', () => fail(requirement)));
  return (title, body) => describe.skip(skippedTitle(title, requirement), body);
}

const skippedTitle = (title: string, { what, install }: Requirement): string =>
  `${title} (skipped without ${what}: ${install})`;

function fail({ what, install }: Requirement): never {
  throw new Error(`this test needs ${what}, and CI must have it: ${install}`);
}
