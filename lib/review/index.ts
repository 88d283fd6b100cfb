/** The review of plans, without a command line: `keyturn/review`. */
export type { Finding, WaivedFinding } from './finding';
export { type PlanDocument, readPlanDocument } from './plan-document';
export { type Review, type ReviewInput, reviewPlans, type Verdict } from './review';
export { reviewJson } from './review-json';
export { reviewMarkdown } from './review-markdown';
export { reviewSarif, type SarifTool } from './review-sarif';
