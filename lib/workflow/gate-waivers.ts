import type { RetireWaiver } from '../rotation/settings';
import type { GateReason } from './gate-reason';

/** A reason that the rotation file sets aside, with the waiver that does. */
export interface WaivedReason {
  readonly reason: GateReason;
  readonly waiver: RetireWaiver;
}

/** Reasons that a waiver may set aside. An object under the key, or one whose key is unknown, is never among them. */
const WAIVED_BY: Partial<Record<GateReason['code'], RetireWaiver['what']>> = {
  granted: 'grant',
  'grants-unknown': 'grant',
  'default-elsewhere': 'bucket-default',
  'defaults-unknown': 'bucket-default',
  'bucket-dropped': 'dropped-bucket',
  replicates: 'replication',
  'replication-unknown': 'replication',
  'related-key': 'related-key',
  used: 'use',
  'use-unknown': 'use',
  'uploads-open': 'upload',
  'uploads-unknown': 'upload',
  'annotations-unknown': 'annotations',
  'active-key-expires': 'expiry',
};

/**
 * Parts the reasons that waivers set aside from those that stand. An ended waiver sets nothing aside, and the reason says so.
 *
 * @param now - milliseconds; a waiver holds through the whole of its last day, UTC
 */
export function applyRetireWaivers(
  reasons: readonly GateReason[],
  waivers: readonly RetireWaiver[],
  now: number,
): { readonly reasons: readonly GateReason[]; readonly waived: readonly WaivedReason[] } {
  const today = new Date(now).toISOString().slice(0, 10);
  const standing: GateReason[] = [];
  const waived: WaivedReason[] = [];
  for (const reason of reasons) {
    const covering = waivers.filter((one) => covers(one, reason));
    const waiver = covering.find(({ until }) => until >= today);
    const ended = covering[0];
    if (waiver) waived.push({ reason, waiver });
    else standing.push(ended ? { ...reason, text: `${reason.text}; its waiver ended on ${ended.until}` } : reason);
  }
  return { reasons: standing, waived };
}

/** A bucket that nobody looked into is waived by its name alone: whoever waives all has not seen which they are. */
function covers({ what, of }: RetireWaiver, { code, subject, id }: GateReason): boolean {
  if (WAIVED_BY[code] !== what) return false;
  return of === undefined ? code !== 'bucket-dropped' : of === subject || of === id;
}
