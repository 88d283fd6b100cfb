import { isOwnData, isOwnOutput, isOwnResource } from '../own-addresses';
import { list, text } from '../plan-values';
import { words } from '../review-messages';
import type { ReviewRule, Sighting } from '../review-rule';

const outside: ReviewRule = {
  id: 'KT070',
  title: "something outside the rotation's own resources changes",
  severity: 'error',
  why: 'A rotation changes only its keys, aliases, buckets and the role of its jobs. Keyturn did not generate anything else in its plan.',
  next: 'Move it to another stack; the plan of a rotation must contain nothing else.',
  waivable: true,
  look: ({ plan, stack }) => [
    ...(stack === 'both' ? [{ message: words`one plan contains resources of both stacks` }] : []),
    ...plan.changes
      .filter(({ mode, action, address }) => mode === 'managed' && action !== 'no-op' && !isOwnResource(address, stack))
      .map(({ address, action }) => ({ address, message: words`${address}: ${action}` })),
    ...plan.outputs
      .filter(({ name, action }) => action !== 'no-op' && !isOwnOutput(name))
      .map(({ name }) => ({ address: `output.${name}`, message: words`output ${name} changes` })),
  ],
};

const runs: ReviewRule = {
  id: 'KT071',
  title: 'the configuration reads or runs something else',
  severity: 'error',
  why: 'A provisioner, a module, or a data source such as external or http can run code or send data elsewhere, even during the plan.',
  next: 'Remove it; the stacks of a rotation read only its keys, the caller and the partition.',
  waivable: true,
  look: ({ plan }) => {
    const found = new Map<string, Sighting>();
    const add = (address: string, what: string): void => {
      found.set(`${address} ${what}`, { address, message: [...words`${address} `, what] });
    };
    const data = [
      ...plan.configured.map((one) => ({ mode: text(one.mode), address: text(one.address) ?? '' })),
      ...plan.changes,
      ...plan.prior,
    ];
    for (const { mode, address } of data) if (mode === 'data' && !isOwnData(address)) add(address, 'is read');
    for (const one of plan.configured) {
      if (list(one.provisioners).length > 0) add(text(one.address) ?? '', 'has provisioners');
    }
    for (const name of plan.moduleCalls) add(`module.${name}`, 'is called');
    return [...found.values()];
  },
};

const ENDS: Readonly<Record<string, string>> = {
  delete: 'is destroyed',
  replace: 'is destroyed and created again',
  forget: 'is no longer managed',
};

const ends: ReviewRule = {
  id: 'KT072',
  title: 'something is destroyed, replaced or no longer managed',
  severity: 'warning',
  why: 'A rotation adds keys and moves what points at them. It takes nothing away without a person who wants it.',
  next: 'Compare the line of the effects with what the change of the rotation file is for.',
  waivable: true,
  look: ({ plan }) => [
    ...plan.changes
      .filter(({ mode, action }) => mode === 'managed' && action in ENDS)
      .map(({ address, action }) => ({ address, message: [...words`${address} `, ENDS[action] ?? action] })),
    ...plan.outputs
      .filter(({ action }) => action in ENDS)
      .map(({ name }) => ({ address: `output.${name}`, message: words`output ${name} is removed` })),
  ],
};

export const scopeRules: readonly ReviewRule[] = [outside, runs, ends];
