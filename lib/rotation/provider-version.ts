import { subset } from 'semver';

/**
 * The version of Terraform's `hashicorp/aws` that both stacks were tested with and that their bindings were generated from. They
 * require exactly this one, unless `terraform.awsProvider` of the rotation file says otherwise.
 */
export const AWS_PROVIDER_VERSION = '5.100.0';

/**
 * What a constraint may admit. Below 5.100.0 the bindings set arguments that the provider may not have. From 6.22.0 to 6.39.x
 * `blocked_encryption_types` is not computed, so that the plan of a bucket's default encryption is never empty. Nobody knows 7.
 *
 * @see https://github.com/hashicorp/terraform-provider-aws/issues/47320
 */
export const USABLE_PROVIDERS = '>=5.100.0 <6.22.0 || >=6.40.0 <7.0.0';

const BOUND = /(?:(=|>=|>|<=|<|~>) ?)?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?/;

/**
 * Provider constraints that Keyturn can read: versions of two or three numbers, each with `=`, `>`, `>=`, `<`, `<=`, `~>` or nothing
 * before it, separated by commas. Exclusions (`!=`) and pre-releases are not among them.
 *
 * @see https://developer.hashicorp.com/terraform/language/expressions/version-constraints
 */
export const PROVIDER_CONSTRAINT = new RegExp(`^${BOUND.source}(?:, ?${BOUND.source})*$`);

/** One bound of a constraint as Terraform reads it: the same versions as a range of npm's. */
interface Bound {
  /** As Terraform writes it: `>= 5.100.0`, `6.41.0`. */
  readonly text: string;
  readonly range: string;
}

/** Whether all versions that a constraint admits are {@link USABLE_PROVIDERS}; false where none is, or it cannot be read. */
export function isUsableConstraint(text: string): boolean {
  const range = rangeOf(text);
  return range !== undefined && subset(range, USABLE_PROVIDERS) && !subset(range, '<0.0.0-0');
}

/** Whether a constraint of the rotation file admits one version; false where either cannot be read. */
export function admitsProvider(constraint: string, version: string): boolean {
  const range = rangeOf(constraint);
  return range !== undefined && /^\d+\.\d+\.\d+$/.test(version) && subset(version, range);
}

/** Whether two constraints have the same bounds, in any order. */
export function isSameConstraint(left: string, right: string): boolean {
  const [one, other] = [left, right].map((text) =>
    boundsOf(text)
      ?.map((bound) => bound.text)
      .sort()
      .join(),
  );
  return one !== undefined && one === other;
}

function rangeOf(text: string): string | undefined {
  return boundsOf(text)
    ?.map(({ range }) => range)
    .join(' ');
}

function boundsOf(text: string): readonly Bound[] | undefined {
  const bounds = text.split(',').map((one) => boundOf(one.trim()));
  return bounds.every((bound) => bound !== undefined) ? bounds : undefined;
}

function boundOf(text: string): Bound | undefined {
  const [, operator = '=', major, minor, patch] = new RegExp(`^${BOUND.source}$`).exec(text) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  const version = [major, minor, patch ?? '0'].map(Number).join('.');
  const written = patch === undefined && operator === '~>' ? `${Number(major)}.${Number(minor)}` : version;
  if (operator !== '~>')
    return { text: operator === '=' ? version : `${operator} ${version}`, range: `${operator}${version}` };
  const next = patch === undefined ? `${Number(major) + 1}.0.0` : `${Number(major)}.${Number(minor) + 1}.0`;
  return { text: `~> ${written}`, range: `>=${version} <${next}` };
}
