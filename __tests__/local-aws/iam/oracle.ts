/*
 * IAM's evaluation once more, written from AWS's pages without a look at the endpoint's: over the documents as they are
 * written, with tables of cases where the endpoint folds, and another way to match.
 */

export interface RawStatement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: RawPrincipal;
  readonly NotPrincipal?: RawPrincipal;
  readonly Action?: readonly string[];
  readonly NotAction?: readonly string[];
  readonly Resource?: readonly string[];
  readonly NotResource?: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

export type RawPrincipal = '*' | Readonly<Record<string, readonly string[]>>;
export type Context = Readonly<Record<string, readonly string[]>>;

export interface Asked {
  readonly action: string;
  readonly resource: string;
  readonly context: Context;
}

/** Characters one by one, with every way to read a star tried. */
export function glob(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  const [first, rest] = [pattern.charAt(0), pattern.slice(1)];
  if (first === '*') return glob(rest, text) || (text !== '' && glob(pattern, text.slice(1)));
  return text !== '' && (first === '?' || first === text.charAt(0)) && glob(rest, text.slice(1));
}

/** One expression for the whole ARN: a wildcard before the fifth colon takes no colon, unless the pattern ends in its part. */
export function arnGlob(pattern: string, arn: string): boolean {
  let colons = 0;
  let source = '';
  [...pattern].forEach((char, at) => {
    const inside = colons < 5 && pattern.slice(at).includes(':');
    if (char === ':') colons += 1;
    const any = inside ? '[^:]' : '[^]';
    source += char === '*' ? `${any}*` : char === '?' ? any : char.replace(/[^\w]/g, (one) => `\\${one}`);
  });
  return new RegExp(`^${source}$`).test(arn);
}

type Truth = 'yes' | 'no' | 'cannot tell';

const both = (a: Truth, b: Truth): Truth =>
  a === 'no' || b === 'no' ? 'no' : a === 'yes' && b === 'yes' ? 'yes' : 'cannot tell';

const known = (holds: boolean): Truth => (holds ? 'yes' : 'no');

/** `undefined` where a variable has not one value. */
function fill(text: string, context: Context): string | undefined {
  const pieces = text.split(/\$\{(.*?)\}/);
  const filled = pieces.map((piece, at) => {
    if (at % 2 === 0) return piece;
    const values = find(context, piece);
    return values?.length === 1 ? values[0] : undefined;
  });
  return filled.includes(undefined) ? undefined : filled.join('');
}

function find(context: Context, key: string): readonly string[] | undefined {
  const name = Object.keys(context).find((one) => one.toUpperCase() === key.toUpperCase());
  return name === undefined ? undefined : context[name];
}

const matchers: Readonly<Record<string, (wanted: string, given: string) => boolean>> = {
  Equals: (wanted, given) => wanted === given,
  EqualsIgnoreCase: (wanted, given) => wanted.toUpperCase() === given.toUpperCase(),
  Like: glob,
};

/** How an operator's name is read: what matches, and whether it is turned round. */
function matcherOf(name: string): readonly [((wanted: string, given: string) => boolean) | undefined, boolean] {
  const not = name.includes('Not');
  const positive = name.replace('Not', '');
  if (positive === 'Bool') return [matchers.EqualsIgnoreCase, false];
  if (positive === 'ArnEquals' || positive === 'ArnLike') return [arnGlob, not];
  return [positive.startsWith('String') ? matchers[positive.slice('String'.length)] : undefined, not];
}

export function conditionHolds(operator: string, key: string, values: readonly string[], context: Context): Truth {
  const given = find(context, key);
  if (operator === 'Null') return known(values.includes('true') ? given === undefined : given !== undefined);
  const set = operator.split(':').length === 2 ? operator.split(':')[0] : 'none';
  const bare = operator.split(':').at(-1) ?? '';
  const ifExists = bare.endsWith('IfExists');
  const [match, not] = matcherOf(bare.replace(/IfExists$/, ''));
  if (match === undefined) return 'cannot tell';
  if (given === undefined) {
    if (ifExists || set === 'ForAllValues') return 'yes';
    return known(not && set === 'none');
  }
  const wanted = values.map((value) => fill(value, context));
  if (not && wanted.includes(undefined)) return 'cannot tell';
  const matches = (one: string): boolean => wanted.some((value) => value !== undefined && match(value, one));
  switch (`${set} ${not}`) {
    case 'none false':
    case 'ForAnyValue false':
      return known(given.filter(matches).length > 0);
    case 'none true':
      return known(given.filter(matches).length === 0);
    case 'ForAllValues false':
      return known(given.filter(matches).length === given.length);
    case 'ForAllValues true':
      return known(given.filter(matches).length === 0);
    default:
      return known(given.filter(matches).length < given.length);
  }
}

function applies(statement: RawStatement, { action, resource, context }: Asked): Truth {
  const acts = (list: readonly string[]) => list.some((one) => glob(one.toLowerCase(), action.toLowerCase()));
  const names = (list: readonly string[]) =>
    list.some((one) => {
      const filled = fill(one, context);
      return one === '*' || (filled !== undefined && arnGlob(filled, resource));
    });
  if (statement.Action !== undefined && !acts(statement.Action)) return 'no';
  if (statement.NotAction !== undefined && acts(statement.NotAction)) return 'no';
  if (statement.Resource !== undefined && !names(statement.Resource)) return 'no';
  if (statement.NotResource !== undefined && names(statement.NotResource)) return 'no';
  return Object.entries(statement.Condition ?? {})
    .flatMap(([operator, tests]) =>
      Object.entries(tests).map(([key, values]) => conditionHolds(operator, key, values, context)),
    )
    .reduce(both, 'yes');
}

/** Names that a session goes by. */
export interface Names {
  readonly role: string;
  readonly session: string;
  readonly root: string;
  readonly account: string;
}

type Standing = 'itself' | 'its account' | 'no one of it';

function standing({ Effect, Principal, NotPrincipal }: RawStatement, names: Names): Standing {
  if (NotPrincipal !== undefined) {
    if (Effect === 'Allow' || NotPrincipal === '*') return 'no one of it';
    const listed = NotPrincipal.AWS ?? [];
    const whole = listed.includes(names.role) && listed.includes(names.session);
    return whole && (listed.includes(names.root) || listed.includes(names.account)) ? 'no one of it' : 'itself';
  }
  if (Principal === undefined) return 'itself';
  const listed = Principal === '*' ? ['*'] : (Principal.AWS ?? []);
  if (['*', names.role, names.session].some((name) => listed.includes(name))) return 'itself';
  return listed.includes(names.root) || listed.includes(names.account) ? 'its account' : 'no one of it';
}

/** Whether a session may, by the policy of its role, and of a key (`alone`) or bucket (`too`) where there is one. */
export function mayDo(
  identity: readonly RawStatement[],
  asked: Asked,
  names: Names,
  resource?: { readonly statements: readonly RawStatement[]; readonly decides: 'alone' | 'too' },
): boolean {
  const ofResource = resource?.statements ?? [];
  const concerned = ofResource.filter((statement) => standing(statement, names) !== 'no one of it');
  const denying = [...identity, ...concerned].filter(({ Effect }) => Effect === 'Deny');
  if (denying.some((statement) => applies(statement, asked) !== 'no')) return false;
  const allowing = (statements: readonly RawStatement[]) =>
    statements.filter((statement) => statement.Effect === 'Allow' && applies(statement, asked) === 'yes');
  const byIdentity = allowing(identity).length > 0;
  const byResource = allowing(concerned).map((statement) => standing(statement, names));
  if (byResource.includes('itself')) return true;
  return byIdentity && (resource?.decides !== 'alone' || byResource.includes('its account'));
}
