/** The style of a report: light, dark and print, by the reader's setting. Contrast is at least 4.5:1. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --page: #ffffff; --sheet: #f6f8fa; --rule: #d0d7de;
  --good: #116329; --good-bg: #dafbe1; --bad: #a40e26; --bad-bg: #ffebe9; --wait: #7d4e00; --wait-bg: #fff8c5; --link: #0550ae;
  --off: #d0d7de; --moved: #2da44e; --there: #54aeff; --blocked: #d4a72c; --failed: #cf222e; --gone: #8c959f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9da7b3; --page: #0d1117; --sheet: #161b22; --rule: #3d444d;
  --good: #56d364; --good-bg: #12261e; --bad: #ff938a; --bad-bg: #2d1214; --wait: #e3b341; --wait-bg: #272115; --link: #79b8ff;
  --off: #3d444d; --moved: #3fb950; --there: #388bfd; --blocked: #bb8009; --failed: #f85149; --gone: #6e7681; } }
@media print { :root { color-scheme: light; --ink: #000; --soft: #444; --page: #fff; --sheet: #f6f8fa; --rule: #999; --good: #0b4a1e;
  --good-bg: #dafbe1; --bad: #8a0b1f; --bad-bg: #ffebe9; --wait: #5c3900; --wait-bg: #fff8c5; --link: #000;
  --moved: #2da44e; --there: #54aeff; --blocked: #d4a72c; --failed: #cf222e; --gone: #8c959f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 4rem; max-width: 72rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--rule); overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; overflow-wrap: anywhere; }
p, ul, ol { margin: .5rem 0; max-width: 70ch; }
code { font: .9em ui-monospace, "SF Mono", Consolas, "DejaVu Sans Mono", monospace; unicode-bidi: isolate; overflow-wrap: anywhere; }
code.id { overflow-wrap: normal; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--page); }
.verdict { border: 2px solid; border-left-width: .6rem; border-radius: .375rem; padding: .75rem 1rem; margin: 0 0 1.5rem; }
.verdict p { max-width: none; margin: .25rem 0; }
.verdict strong { font-size: 1.15rem; }
.sound { border-color: var(--good); background: var(--good-bg); }
.sound strong { color: var(--good); }
.unsound { border-color: var(--bad); background: var(--bad-bg); }
.unsound strong { color: var(--bad); }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1.25rem; margin: 1rem 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .35rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--rule); }
thead th { color: var(--soft); font-weight: 600; border-bottom-width: 2px; }
tbody th { font-weight: 500; }
time { white-space: nowrap; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
.mark { display: inline-block; padding: 0 .55em; border-radius: 1em; border: 1px solid; font-size: .93em; white-space: nowrap; }
.good { color: var(--good); background: var(--good-bg); }
.bad { color: var(--bad); background: var(--bad-bg); }
.wait { color: var(--wait); background: var(--wait-bg); }
.plain { color: var(--soft); background: var(--sheet); }
figure { margin: 1rem 0; padding: .75rem; background: var(--sheet); border-radius: .375rem; }
figcaption { color: var(--soft); font-size: .9375em; margin-bottom: .5rem; }
svg { display: block; width: 100%; height: auto; }
.scroll > svg, .scroll > table { min-width: 42rem; }
td ul { margin: 0; padding-left: 1.1em; }
svg text { fill: var(--ink); font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
svg .soft { fill: var(--soft); }
svg .edge { stroke: var(--sheet); stroke-width: 1.5; }
svg .moved { fill: var(--moved); } svg .there { fill: var(--there); } svg .blocked { fill: var(--blocked); }
svg .failed { fill: var(--failed); } svg .gone { fill: var(--gone); } svg .empty { fill: var(--rule); }
svg .Enabled { fill: var(--good-bg); stroke: var(--good); } svg .Disabled { fill: var(--off); stroke: var(--soft); }
svg .PendingImport { fill: var(--wait-bg); stroke: var(--wait); } svg .other { fill: var(--bad-bg); stroke: var(--bad); }
svg .active { stroke: var(--link); stroke-width: 3; }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: .5rem 0 0; font-size: .9375em; max-width: none; }
.key svg { display: inline-block; width: .875rem; height: .875rem; vertical-align: -.125rem; margin-right: .35rem; }
footer { margin-top: 3rem; border-top: 1px solid var(--rule); color: var(--soft); font-size: .9375rem; }
@media print { .scroll > svg, .scroll > table { min-width: 0; } body { max-width: none; padding: 0; font-size: 10pt; } .skip { display: none; } .scroll { overflow: visible; }
  tr, figure, .verdict { break-inside: avoid; } h2, h3, caption { break-after: avoid; } table { font-size: 8.5pt; }
  figure, .mark, .verdict { print-color-adjust: exact; -webkit-print-color-adjust: exact; } thead { display: table-header-group; } }
@media screen and (max-width: 40rem) {
  body { padding: 1rem .75rem 3rem; }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd { margin-bottom: .5rem; }
  .scroll > table, .scroll > table > tbody, .scroll > table > tbody > tr, .scroll > table > caption { display: block; width: auto; min-width: 0; }
  .scroll > table > thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .scroll > table > tbody > tr { border: 1px solid var(--rule); border-radius: .375rem; padding: .35rem .6rem; margin: .5rem 0; }
  .scroll > table > tbody > tr > th, .scroll > table > tbody > tr > td { display: block; border: 0; padding: .15rem 0;
    text-align: left; overflow-wrap: anywhere; }
  .scroll > table > tbody > tr > td::before { content: attr(data-label) ": "; color: var(--soft); }
  td code.id { overflow-wrap: anywhere; }
}
`;
