/** Measures the plan review on plans far larger than any of two stacks: `npx tsx bench/review-large-plan.ts [megabytes]`. */
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readPlanDocument } from '../lib/review/plan-document';
import { reviewPlans } from '../lib/review/review';
import { reviewMarkdown } from '../lib/review/review-markdown';
import { loadRotation } from '../lib/rotation/rotation-file';

const ROTATION = `name: test
region: ap-northeast-1
alias: alias/test
keyVersions: [{ name: v1 }]
activeVersion: v1
buckets: [{ name: test-bucket, manage: bucket }]
`;

/** Resources of a kilobyte each, with or without something to find in each of them. */
function planOf(megabytes: number, actions: readonly string[]): string {
  const resources = Array.from({ length: megabytes * 1000 }, (_, index) => ({
    address: index === 0 ? 'aws_kms_external_key.version_v1' : `aws_s3_bucket.n${index}`,
    mode: 'managed',
    type: index === 0 ? 'aws_kms_external_key' : 'aws_s3_bucket',
    provider_name: 'registry.terraform.io/hashicorp/aws',
    change: { actions, before: null, after: { tags: {}, pad: 'x '.repeat(400) }, after_unknown: {} },
  }));
  return JSON.stringify({ format_version: '1.2', resource_changes: resources });
}

async function measure(): Promise<void> {
  const megabytes = Number(process.argv[2] ?? 100);
  const file = path.join(tmpdir(), `keyturn-bench-${process.pid}.yaml`);
  writeFileSync(file, ROTATION);
  const rotation = await loadRotation(file, { now: new Date() });
  rmSync(file);
  for (const actions of [['no-op'], ['create']]) {
    const text = planOf(megabytes, actions);
    const started = performance.now();
    const plan = readPlanDocument(text, 'plan.json');
    const read = performance.now();
    const review = reviewPlans({
      rotation,
      rotationFile: 'rotation.yaml',
      plans: [{ plan }],
      now: new Date(),
    });
    const reviewed = performance.now();
    const { length } = reviewMarkdown(review);
    const seconds = [read - started, reviewed - read, performance.now() - reviewed].map((one) =>
      (one / 1000).toFixed(1),
    );
    const size = `${(text.length / 1e6).toFixed(0)} MB of ${actions[0]}`;
    process.stdout.write(
      `${size}: read ${seconds[0]} s, rules ${seconds[1]} s, Markdown ${seconds[2]} s; ` +
        `${review.findings.length} findings, ${length} characters, ${(process.memoryUsage().rss / 1e9).toFixed(1)} GB\n`,
    );
  }
}

void measure();
