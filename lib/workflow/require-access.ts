import { accessRows, stoppingUses, usedText } from '../access/access-rows';
import { type AccessComparison, compareAccess } from '../access/compare-access';
import type { AccessRun } from '../access/old-key-uses';
import { KeyturnError } from '../errors';
import type { RunReport } from './rotation-run';

/**
 * Refuses a switch that takes the key away from somebody who used the old one. What is only to decide, or could not be read, is
 * reported: a person decided it in the pull request.
 *
 * @throws access-lost
 */
export async function requireAccess(run: AccessRun & RunReport): Promise<void> {
  for (const comparison of await compareAccess(run, run.rotation.activeVersion, { resources: false })) {
    refuseLostAccess(comparison);
    const { from, to, used, unread } = comparison;
    const open = accessRows(comparison).length;
    if (open > 0)
      run.reporter.warn(
        `${open} findings about who may use ${to.version} instead of ${from.version}: \`npx keyturn access\``,
      );
    for (const what of unread) run.reporter.note(`who loses access is not known for certain: ${what}`);
    const waived = used.filter(({ waiver }) => waiver !== null);
    await run.evidence.record('access', 'switch', { from, to, findings: open, waived, unread });
  }
}

/** @throws access-lost where a use stops the switch, and no waiver takes that */
export function refuseLostAccess(comparison: AccessComparison): void {
  const stopping = stoppingUses(comparison);
  if (stopping.length === 0) return;
  const uses = stopping.map((use) => ({ who: use.who, text: usedText(use), fix: use.fix }));
  throw new KeyturnError('access-lost', { from: comparison.from.version, to: comparison.to.version, uses });
}
