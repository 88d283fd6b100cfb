import type { ConfirmedFile } from './confirmed-file';
import type { Probe } from './probe';

/**
 * The table of the documentation.
 *
 * @param confirmed - the answers of AWS, where somebody has asked; those of another endpoint confirm nothing
 */
export function probesTable(probes: readonly Probe[], confirmed?: ConfirmedFile): string {
  const rows = probes.map((probe) => {
    const ways = Object.entries(probe.ways).map(([value, handled]) => `\`${value}\`: ${handled}`);
    return [`\`${probe.setting}\``, probe.question, probe.documented, ways.join('<br>'), standing(probe, confirmed)];
  });
  const head = ['setting', 'question', 'what the documentation says', 'how Keyturn handles each answer', 'standing'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function standing({ setting }: Probe, confirmed: ConfirmedFile | undefined): string {
  if (confirmed?.endpoint !== null) return 'unconfirmed';
  const { confirmedAt, region, settings, probes } = confirmed;
  const asked = `${confirmedAt.slice(0, 10)} in ${region}`;
  const value = settings[setting];
  if (value !== undefined) return `\`${value}\`, confirmed ${asked}`;
  const answer = probes.find((one) => one.setting === setting);
  return answer?.standing === 'unforeseen' ? `unforeseen ${asked}: ${answer.seen}` : 'unconfirmed';
}
