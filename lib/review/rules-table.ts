import type { ReviewRule } from './review-rule';
import { reviewRules } from './rules';

/** Every rule as a Markdown table, for the markers in docs/plan-review.md. */
export function rulesTable(): string {
  const rows = reviewRules.map(row);
  return ['| id | finds | verdict | why | what to do | waivable |', '|---|---|---|---|---|---|', ...rows, ''].join(
    '\n',
  );
}

function row({ id, title, severity, why, next, waivable }: ReviewRule): string {
  const cells = [id, title, severity === 'error' ? 'refused' : 'to decide', why, next, waivable ? 'yes' : 'no'];
  return `| ${cells.join(' | ')} |`;
}
