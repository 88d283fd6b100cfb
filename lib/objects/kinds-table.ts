import { KINDS, type Verdict } from './kinds';

/** The table of kinds as Markdown, for the documentation, which is generated from here and checked against it. */
export function kindsTable(): string {
  const cell = (verdict: Verdict) => {
    if (verdict.do === 'nothing') return 'nothing to do';
    return verdict.do === 'move' ? 'moves it' : `blocked: ${verdict.detail} (\`${verdict.reason}\`)`;
  };
  const rows = KINDS.map(({ kind, rewrap, rewrite }) => `| ${kind} | ${cell(rewrap)} | ${cell(rewrite)} |`);
  return ['| the version is | rewrap | rewrite |', '|---|---|---|', ...rows].join('\n');
}
