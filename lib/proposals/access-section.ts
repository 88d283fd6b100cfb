import { mdCode, mdText } from './markdown';

/** Who may use the key of another version and not that of the version that becomes active. */
export interface ProposedAccess {
  /** Name of the version that objects leave. */
  readonly from: string;
  readonly rows: readonly {
    readonly who: string;
    readonly may: string;
    readonly after: string;
    readonly fix: string;
    /** Whether it stops a switch. */
    readonly stops: boolean;
  }[];
  /** What could not be read, and why. */
  readonly unread: readonly string[];
  /** What no comparison looks at. */
  readonly notRead: readonly string[];
}

/** Rows that the graph shows; the table has all of them. */
const MOST_IN_GRAPH = 20;

/** The section about who loses access, in Markdown lines; undefined: AWS was not read. */
export function accessSection(all: readonly ProposedAccess[] | undefined, to: string): readonly string[] {
  if (all === undefined) return ['Not given: AWS was not read, or no key stands behind the version yet.'];
  if (all.length === 0) return ['No other version has a key that objects can be under.'];
  return all.flatMap((one) => [...comparison(one, to), '']).slice(0, -1);
}

function comparison({ from, rows, unread, notRead }: ProposedAccess, to: string): readonly string[] {
  const keys = `from the key of ${mdCode(from)} to that of ${mdCode(to)}`;
  const said =
    rows.length === 0
      ? [
          `${unread.length === 0 ? 'Nobody loses access' : 'Nothing was found, but not all was read,'} ${keys}, by what was looked at.`,
        ]
      : [
          `**To decide**, ${keys}:`,
          '',
          '| who | may, under the old key | under the new key | to mend it |',
          '|---|---|---|---|',
          ...rows.map(
            ({ who, may, after, fix, stops }) =>
              `| ${mdCode(who)} | ${mdText(may)} | ${stops ? '**stops a switch:** ' : ''}${mdText(after)} | ${mdCode(fix)} |`,
          ),
          '',
          ...graph(from, rows, to),
        ];
  return [
    ...said,
    '',
    ...unread.map((what) => `- Could not be read: ${mdText(what)}`),
    `- Not looked at: ${notRead.map(mdText).join('; ')}.`,
  ];
}

/** Labels are quoted and have entities for what Mermaid reads, so that a name stays a name. */
function graph(from: string, rows: ProposedAccess['rows'], to: string): readonly string[] {
  const shown = rows.slice(0, MOST_IN_GRAPH);
  return [
    '```mermaid',
    'flowchart LR',
    `  old["${label(`key of ${from}`)}"]`,
    `  new["${label(`key of ${to}`)}"]`,
    ...shown.flatMap(({ who, may, after }, index) => [
      `  who${index}["${label(who)}"] -->|"${label(may)}"| old`,
      `  who${index} -.->|"${label(after)}"| new`,
    ]),
    '```',
    ...(rows.length > shown.length ? ['', `The graph shows ${shown.length} of ${rows.length} rows.`] : []),
  ];
}

const label = (text: string): string => text.replace(/[^\p{L}\p{N} ,.\-/:*]/gu, (char) => `#${char.codePointAt(0)};`);
