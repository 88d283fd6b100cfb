import { escapeInvisible } from './escape-invisible';
import type { Finding, WaivedFinding } from './finding';
import type { Review } from './review';
import { plain } from './review-messages';
import { reviewRules } from './rules';

/** Version of the JSON review; raised when a member changes its meaning or is removed. */
export const REVIEW_SCHEMA_VERSION = 1;

/** The review as plain data; values are unchanged. */
export function reviewData(review: Review): Readonly<Record<string, unknown>> {
  return {
    schemaVersion: REVIEW_SCHEMA_VERSION,
    rotation: review.rotation,
    rotationFile: review.rotationFile,
    account: review.account,
    region: review.region,
    commit: review.commit,
    verdict: review.verdict,
    plans: review.plans.map((one) => ({ ...one, effects: one.effects.map(plain), unseen: one.unseen.map(plain) })),
    binding: review.binding.map(plain),
    fileChanges: review.fileChanges?.map((one) => ({ ...one, message: plain(one.message) })),
    otherFiles: review.otherFiles,
    findings: review.findings.map(findingData),
    waived: review.waived.map((one: WaivedFinding) => ({ ...findingData(one), waiver: one.waiver })),
  };
}

function findingData({ rule, severity, plan, address, message }: Finding): Readonly<Record<string, unknown>> {
  const found = reviewRules.find((one) => one.id === rule);
  return {
    rule,
    severity,
    plan,
    address,
    title: found?.title,
    message: plain(message),
    why: found?.why,
    next: found?.next,
  };
}

/**
 * JSON text in which no value can control a terminal or a workflow runner: JSON escapes replace every such character,
 * so a parser restores the original. Line feeds between members stay.
 */
export function safeJson(data: unknown): string {
  return JSON.stringify(data, null, 2).split('\n').map(escapeInvisible).join('\n');
}

/** The review as one JSON document. */
export const reviewJson = (review: Review): string => `${safeJson(reviewData(review))}\n`;
