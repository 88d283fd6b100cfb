/** Which requests a fault strikes; what is left out matches everything. */
export interface FaultMatch {
  readonly service?: string;
  /** The operation as the API reference names it: `HeadObject`, `ImportKeyMaterial`. */
  readonly operation?: string;
  /** The object key, or the key identifier a KMS request names. */
  readonly key?: string | RegExp;
  /** Only the n-th request that matches the rest, counted from 1. */
  readonly nth?: number;
  /** At most so many times; default: every time. */
  readonly times?: number;
}

/** What happens to a struck request. `reset-after` and `truncate` leave its effect standing; the others but `delay` prevent it. */
export type FaultAction =
  | { readonly kind: 'answer'; readonly status: number; readonly code: string; readonly message?: string }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  | { readonly kind: 'reset-before' }
  | { readonly kind: 'reset-after' }
  /** Announces the whole body, sends so many bytes of it and drops the connection. */
  | { readonly kind: 'truncate'; readonly bytes: number };

export interface FaultRule {
  readonly match?: FaultMatch;
  readonly then: FaultAction;
}

/** What a rule is matched against. */
export interface FaultSubject {
  readonly service: string;
  readonly operation: string;
  readonly key: string | undefined;
}

/** The faults of an endpoint; rules may be added and removed while it runs. */
export interface Faults {
  /** Adds a rule and returns a function that takes it away again. Rules are tried in the order they were added. */
  inject(rule: FaultRule): () => void;
  clear(): void;
  /** True while a rule or the latency could strike a request. */
  readonly armed: boolean;
  /** The first so many calls that name a new KMS key answer `NotFoundException`: eventual consistency. Default 0. */
  newKeyLag: number;
  /** An on-demand rotation is done so many milliseconds later, by the movable clock. Default 0. */
  rotationDelay: number;
  /**
   * A replica of a multi-Region key is `Creating`, and the keys of a changed primary Region are `Updating`, for so many milliseconds by the
   * movable clock. Default 0.
   */
  multiRegionDelay: number;
  /** CloudTrail shows an event so many milliseconds after it happened, by the movable clock. Default 0; AWS gives about five minutes. */
  trailDelay: number;
  /** Every request takes at least so many milliseconds. Default 0. */
  latency: number;
  /** The actions that strike this request; counts it against `nth` and `times`. */
  strike(subject: FaultSubject): readonly FaultAction[];
}

export function createFaults(rules: readonly FaultRule[] = []): Faults {
  const live = new Set<LiveRule>();
  const inject = (rule: FaultRule): (() => void) => {
    const entry = { rule, seen: 0, struck: 0 };
    live.add(entry);
    return () => live.delete(entry);
  };
  for (const rule of rules) inject(rule);
  return {
    get armed() {
      return live.size > 0 || this.latency > 0;
    },
    newKeyLag: 0,
    rotationDelay: 0,
    multiRegionDelay: 0,
    trailDelay: 0,
    latency: 0,
    inject,
    clear: () => live.clear(),
    strike: (subject) => Array.from(live).flatMap((entry) => (strikes(entry, subject) ? [entry.rule.then] : [])),
  };
}

interface LiveRule {
  readonly rule: FaultRule;
  seen: number;
  struck: number;
}

function strikes(entry: LiveRule, subject: FaultSubject): boolean {
  const { service, operation, key, nth, times } = entry.rule.match ?? {};
  if (service !== undefined && service !== subject.service) return false;
  if (operation !== undefined && operation !== subject.operation) return false;
  if (key !== undefined && !namesKey(key, subject.key)) return false;
  entry.seen += 1;
  if (nth !== undefined && entry.seen !== nth) return false;
  if (times !== undefined && entry.struck >= times) return false;
  entry.struck += 1;
  return true;
}

function namesKey(wanted: string | RegExp, given: string | undefined): boolean {
  if (given === undefined) return false;
  return typeof wanted === 'string'
    ? wanted === given
    : new RegExp(wanted.source, wanted.flags.replace(/[gy]/g, '')).test(given);
}
