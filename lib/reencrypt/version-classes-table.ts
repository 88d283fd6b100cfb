import { VERSION_CLASSES, type Verdict } from './version-classes';

/** The table of kinds as Markdown, for the documentation, which is generated from here and checked against it. */
export function versionClassesTable(): string {
  const cell = (verdict: Verdict) => {
    if (verdict.do === 'nothing') return 'nothing to do';
    if (verdict.do === 'leave') return 'counted, left alone';
    return verdict.do === 'move' ? 'moves it' : `blocked: ${verdict.detail} (\`${verdict.reason}\`)`;
  };
  const rows = VERSION_CLASSES.map(({ kind, rewrap, rewrite }) => `| ${kind} | ${cell(rewrap)} | ${cell(rewrite)} |`);
  return ['| the version is | rewrap | rewrite |', '|---|---|---|', ...rows].join('\n');
}
