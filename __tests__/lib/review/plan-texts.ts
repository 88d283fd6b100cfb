/** Small plans for what a review does with their form; what rules find in real plans is tested end to end. */
import { readPlanDocument } from '../../../lib/review/plan-document';
import { type Review, type ReviewInput, reviewPlans, verdictOf } from '../../../lib/review/review';
import { parse, textWith } from '../rotation/rotation-texts';

/** A resource change of the keys stack of rotation `test`, which creates v1, with members replaced or added. */
export const keyChange = (change: Record<string, unknown> = {}, more: Record<string, unknown> = {}) => ({
  address: 'aws_kms_external_key.version_v1',
  mode: 'managed',
  type: 'aws_kms_external_key',
  provider_name: 'registry.terraform.io/hashicorp/aws',
  change: {
    actions: ['create'],
    before: null,
    after: {
      deletion_window_in_days: 30,
      policy: JSON.stringify({
        Statement: [{ Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::111122223333:root' }, Action: 'kms:*' }],
      }),
      tags: { 'keyturn:rotation': 'test' },
    },
    after_unknown: {},
    ...change,
  },
  ...more,
});

export const planText = (changes: readonly unknown[], more: Record<string, unknown> = {}): string =>
  JSON.stringify({ format_version: '1.2', terraform_version: '1.11.4', resource_changes: changes, ...more });

/** Rules of what a plan has to be compared with, and of its form, which a small plan written by hand has not. */
const FORM: readonly string[] = ['KT055', 'KT057', 'KT063'];

/** What the other rules find in a small plan. */
export async function reviewText(
  plan: string,
  more: Partial<ReviewInput> = {},
  rotation: Record<string, unknown> = {},
): Promise<Review> {
  const review = await reviewWhole(plan, more, rotation);
  const findings = review.findings.filter(({ rule }) => !FORM.includes(rule));
  return { ...review, findings, verdict: verdictOf(findings) };
}

/** What every rule finds in it. */
export async function reviewWhole(
  plan: string,
  more: Partial<ReviewInput> = {},
  rotation: Record<string, unknown> = {},
): Promise<Review> {
  return reviewPlans({
    rotation: await parse(textWith(rotation)),
    rotationFile: 'rotation.yaml',
    plans: [{ plan: readPlanDocument(plan, 'keys.json') }],
    now: new Date('2026-11-24T12:00:00Z'),
    ...more,
  });
}
