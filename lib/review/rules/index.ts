import type { ReviewRule } from '../review-rule';
import { bindingRules } from './binding-rules';
import { bucketRules } from './bucket-rules';
import { declaredRules } from './declared-rules';
import { driftRules } from './drift-rules';
import { existingRule } from './existing-rule';
import { expectationRules } from './expectation-rules';
import { fileRules } from './file-rules';
import { formatRules } from './format-rules';
import { keyRules } from './key-rules';
import { materialRules } from './material-rules';
import { policyLossRule } from './policy-loss-rule';
import { policyRules } from './policy-rules';
import { roleRules } from './role-rules';
import { scopeRules } from './scope-rules';
import { supportBucketRules } from './support-bucket-rules';
import { switchRules } from './switch-rules';
import { takeOverRule } from './take-over-rule';
import { terraformRules } from './terraform-rules';
import { waiverRule } from './waiver-rule';

/** Every rule, in the order of its id. The table of docs/plan-review.md and the SARIF driver are generated from it. */
export const reviewRules: readonly ReviewRule[] = [
  ...keyRules,
  existingRule,
  takeOverRule,
  ...materialRules,
  ...switchRules,
  ...bindingRules,
  ...bucketRules,
  ...supportBucketRules,
  ...policyRules,
  policyLossRule,
  ...roleRules,
  ...terraformRules,
  ...formatRules,
  ...driftRules,
  ...declaredRules,
  ...expectationRules,
  ...scopeRules,
  ...fileRules,
  waiverRule,
].sort((left, right) => (left.id < right.id ? -1 : 1));
