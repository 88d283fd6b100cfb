import { mdCode, mdText } from './markdown';

/** What a proposal will move, ready to be shown; or why that is not known. */
export type ProposalForecast =
  | {
      readonly known: true;
      readonly method: string;
      /** Plain text, one for each cell. */
      readonly columns: readonly string[];
      readonly rows: readonly { readonly bucket: string; readonly cells: readonly string[] }[];
      /** What the figures are based on, one sentence each without a final period. */
      readonly basis: readonly string[];
    }
  /** `why`: one sentence without a final period. */
  | { readonly known: false; readonly why: string };

/** Lines of Markdown. */
export function forecastTable(forecast: ProposalForecast): string[] {
  if (!forecast.known) return [`Not given: ${mdText(forecast.why)}.`];
  const { columns, rows, method, basis } = forecast;
  return [
    `| bucket | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => '--:|').join('')}`,
    ...rows.map(({ bucket, cells }) => `| ${[mdCode(bucket), ...cells].join(' | ')} |`),
    '',
    `Counted by a dry run of ${mdCode(method)} that changed nothing. ${basis.map(mdText).join('. ')}.`,
  ];
}
