import type { ReviewRule } from './review-rule';
import { reviewRules } from './rules';

/** Rules that policy/keyturn.rego also implements; a test compares this list with the file. */
export const REGO_RULES: readonly string[] = [
  ...['KT001', 'KT002', 'KT003', 'KT004', 'KT005', 'KT010', 'KT011', 'KT030', 'KT031', 'KT032', 'KT033', 'KT034'],
  ...['KT035', 'KT036', 'KT037', 'KT045'],
  ...['KT043', 'KT050', 'KT053', 'KT070', 'KT071'],
];

/** Every rule as a Markdown table, for the markers in docs/plan-review.md. */
export function rulesTable(): string {
  const rows = reviewRules.map(row);
  return [
    '| id | finds | verdict | why | what to do | waivable | Rego |',
    '|---|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function row({ id, title, severity, why, next, waivable }: ReviewRule): string {
  const cells = [id, title, severity === 'error' ? 'refused' : 'to decide', why, next, waivable ? 'yes' : 'no'];
  return `| ${[...cells, REGO_RULES.includes(id) ? 'yes' : ''].join(' | ')} |`;
}
