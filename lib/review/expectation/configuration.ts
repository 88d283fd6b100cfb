import { list, type Values, values } from '../plan-values';
import { type Difference, differences } from './difference';

/** Members of a resource in a stack file that are no arguments of it. */
const META = ['//', 'lifecycle', 'provider', 'provisioner', 'connection', 'count', 'for_each'];

/**
 * Differences between the configuration that a JSON plan repeats and the stack file, with the paths of the stack file.
 * For a stack in JSON, Terraform repeats every argument as it was written.
 */
export function configurationDifferences(configuration: Values, stack: Values): readonly Difference[] {
  const root = values(configuration.root_module);
  const [provider = {}] = list(values(stack.provider).aws).map(values);
  const configured = values(values(configuration.provider_config).aws);
  const all = list(root.resources).map(values);
  return differences(
    {
      resource: declared(stack.resource),
      data: declared(stack.data),
      output: canonical(values(stack.output)),
      provider: { aws: canonical(provider) },
    },
    {
      resource: repeated(all.filter(({ mode }) => mode !== 'data')),
      data: repeated(all.filter(({ mode }) => mode === 'data')),
      output: Object.fromEntries(Object.entries(values(root.outputs)).map(outputOf)),
      provider: { aws: canonical(plain(configured.expressions ?? {})) },
    },
  );
}

/** The arguments of a section's resources, by type and name. */
function declared(section: unknown): Values {
  const argumentsOf = (body: unknown): Values => {
    const { depends_on, ...all } = values(body);
    const own = Object.fromEntries(Object.entries(all).filter(([member]) => !META.includes(member)));
    return { ...values(canonical(own)), ...(depends_on === undefined ? {} : { depends_on }) };
  };
  return mapped(section, (named) => mapped(named, argumentsOf));
}

const mapped = (held: unknown, change: (one: unknown) => unknown): Values =>
  Object.fromEntries(Object.entries(values(held)).map(([name, one]) => [name, change(one)]));

/** The same as the plan repeats it. */
function repeated(resources: readonly Values[]): Values {
  // Names come from outside: one like `constructor` must not find what every object has.
  const found = new Map<string, Map<string, unknown>>();
  for (const { type, name, expressions, depends_on, provider_config_key } of resources) {
    const [ofType, named] = [String(type), String(name)];
    const all = found.get(ofType) ?? new Map<string, unknown>();
    found.set(ofType, all);
    all.set(named, {
      ...values(canonical(plain(expressions ?? {}))),
      ...(depends_on === undefined ? {} : { depends_on }),
      ...(provider_config_key === 'aws' ? {} : { provider: provider_config_key }),
    });
  }
  return Object.fromEntries([...found].map(([ofType, all]) => [ofType, Object.fromEntries(all)]));
}

function outputOf([name, one]: readonly [string, unknown]): readonly [string, unknown] {
  const { expression, ...more } = values(one);
  return [name, canonical({ ...more, value: plain(expression) })];
}

/** An expression of a JSON plan as it was written. */
function plain(expression: unknown): unknown {
  if (Array.isArray(expression)) return expression.map(plain);
  const found = values(expression);
  if (Object.hasOwn(found, 'constant_value') && isLeaf(found)) return found.constant_value;
  return Object.fromEntries(Object.entries(found).map(([name, one]) => [name, plain(one)]));
}

/** A constant, with what it refers to; anything beside them is a difference. */
function isLeaf({ constant_value, references, ...more }: Values): boolean {
  if (Object.keys(more).length > 0) return false;
  if (references === undefined) return true;
  const written = JSON.stringify(constant_value);
  const named = list(references);
  return named.length > 0 && named.every((one) => typeof one === 'string' && written.includes(one));
}

/** A block may be written as an object or as a list of one. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const [only] = value;
    const single = value.length === 1 && typeof only === 'object' && only !== null;
    return single ? canonical(only) : value.map(canonical);
  }
  if (typeof value !== 'object' || value === null) return value;
  return mapped(value, canonical);
}
