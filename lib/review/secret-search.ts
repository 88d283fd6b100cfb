import { type Values, values } from './plan-values';

/** A value in a plan, and its path. */
export interface Place {
  readonly value: unknown;
  /** Name of the member or number of the item; undefined for the document itself. */
  readonly step: string | undefined;
  readonly up: Place | undefined;
  /** Address of its resource, if it belongs to one. */
  readonly address: string | undefined;
}

/** The kind of the finding, never the value itself. */
export interface Found {
  readonly what: string;
  readonly path: string;
  readonly address: string | undefined;
}

/** Limit of findings: the first few are enough to refuse a plan. */
const MOST_FOUND = 20;
/** Steps shown of a path; deeper values are searched too. */
const MOST_STEPS = 24;

/** The steps from the document to a place; only the last ones if there are too many. */
export function pathOf(place: Place): readonly string[] {
  const steps: string[] = [];
  for (let at: Place | undefined = place; at?.step !== undefined; at = at.up) {
    if (steps.length === MOST_STEPS) return ['…', ...steps.reverse()];
    steps.push(at.step);
  }
  return steps.reverse();
}

/**
 * Visits every value of a document once, in linear time and without recursion. An attribute of a resource is reported
 * once, even if a plan repeats it.
 *
 * @param judge - returns the kind of a value that must not be in a plan
 */
export function search(whole: unknown, judge: (place: Place) => string | undefined): readonly Found[] {
  const found = new Map<string, Found>();
  const open: Place[] = [{ value: whole, step: undefined, up: undefined, address: undefined }];
  for (let at = open.pop(); at !== undefined && found.size < MOST_FOUND; at = open.pop()) {
    const what = judge(at);
    if (what !== undefined) {
      const path = pathOf(at);
      const attribute = path.findLast((step) => !/^\d+$/.test(step)) ?? '';
      const key = JSON.stringify([at.address ?? path[0], attribute, what]);
      if (!found.has(key)) found.set(key, { what, path: path.join('.'), address: at.address });
    }
    if (typeof at.value !== 'object' || at.value === null) continue;
    const own = (at.value as Values).address;
    const address = typeof own === 'string' ? own : at.address;
    const members = Object.entries(values(at.value));
    for (const [step, value] of Array.isArray(at.value) ? Object.entries(at.value) : members) {
      open.push({ value, step, up: at, address });
    }
  }
  return [...found.values()];
}
