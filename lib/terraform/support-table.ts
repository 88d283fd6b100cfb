import satisfies from 'semver/functions/satisfies';

export type Component = 'Node' | 'Terraform' | 'OpenTofu' | 'AWS provider';

/** What is known of a version: `tested` by `npm test` or a rehearsal, `known bad` and refused, or `unknown`. */
export type Standing = 'tested' | 'known bad' | 'unknown';

export interface SupportRow {
  readonly component: Component;
  /** Versions, as a range of npm's. */
  readonly versions: string;
  readonly standing: Standing;
  /** By what it was tested, or what is known. Markdown. */
  readonly note: string;
  /** What its users should plan for, a clause; absent: nothing. */
  readonly ends?: string;
}

/**
 * What is known of the versions of the programs under Keyturn. The table of `docs/support.md` and `keyturn doctor` come from here;
 * `npm run matrix` prints the same for the programs of another machine. The first row that a version fits counts.
 */
export const SUPPORT_TABLE: readonly SupportRow[] = [
  {
    component: 'Node',
    versions: '>=20.19.0 <21.0.0',
    standing: 'tested',
    note: '`npm test`, the rehearsal',
    ends: 'its end of life was in April 2026, and the AWS SDK requires Node 22 from January 2027 on',
  },
  { component: 'Node', versions: '22.23.x || 24.22.x', standing: 'tested', note: 'unit tests, the rehearsal' },
  {
    component: 'Node',
    versions: '>=20.19.0',
    standing: 'unknown',
    note: 'later versions of 22 and 24 are expected to work',
  },
  { component: 'Node', versions: '<20.19.0', standing: 'known bad', note: '`doctor` reports it' },
  { component: 'Terraform', versions: '1.11.4', standing: 'tested', note: '`npm test`, the rehearsal' },
  {
    component: 'Terraform',
    versions: '>=1.5.0 <1.10.0',
    standing: 'unknown',
    note: 'refused with `backend: s3`, whose lock file it does not have',
  },
  { component: 'Terraform', versions: '<1.5.0', standing: 'known bad', note: 'refused as `terraform-too-old`' },
  {
    component: 'Terraform',
    versions: '>=1.10.0',
    standing: 'unknown',
    note: 'the plan review is tested with plans as of 1.14 that were derived from the documented format',
  },
  {
    component: 'OpenTofu',
    versions: '*',
    standing: 'unknown',
    note: 'detection and mirror are tested with a stand-in, never with OpenTofu itself',
  },
  { component: 'AWS provider', versions: '5.100.0', standing: 'tested', note: '`npm test`, the rehearsal' },
  {
    component: 'AWS provider',
    versions: '<5.100.0',
    standing: 'unknown',
    note: 'refused: the bindings are of 5.100.0',
  },
  {
    component: 'AWS provider',
    versions: '>=5.101.0 <6.22.0',
    standing: 'unknown',
    note: 'the plan review knows the attributes that 6.x added, from its bindings',
  },
  {
    component: 'AWS provider',
    versions: '>=6.22.0 <6.40.0',
    standing: 'known bad',
    note: 'refused: `blocked_encryption_types` is not computed, so the plan of a default encryption is never empty (provider issues 47320, 47359)',
  },
  {
    component: 'AWS provider',
    versions: '>=6.40.0 <7.0.0',
    standing: 'unknown',
    note: 'tags of buckets go through S3 Control, which the embedded endpoint serves; tested with a client that asks as 6.23.0 does',
  },
  { component: 'AWS provider', versions: '>=7.0.0', standing: 'unknown', note: 'refused' },
];

/** What is known of one version of a program, in words: `tested`, and what its users should plan for. Nothing known: `unknown`. */
export function standingOf(component: Component, version: string): string {
  const row = SUPPORT_TABLE.find((one) => one.component === component && satisfies(version, one.versions));
  return [row?.standing ?? 'unknown', row?.ends].filter((text) => text !== undefined).join('; ');
}

/** The table in Markdown, for the page. */
export function supportTableText(): string {
  const rows = SUPPORT_TABLE.map(
    ({ component, versions, standing, note, ends }) =>
      `| ${component} | ${shownRange(versions)} | ${standing} | ${ends === undefined ? note : `${note}; ${ends}`} |`,
  );
  return ['| program | versions | standing | how it is known |', '|---|---|---|---|', ...rows].join('\n');
}

function shownRange(range: string): string {
  return range === '*' ? 'all' : `\`${range.replaceAll('||', 'or')}\``;
}
