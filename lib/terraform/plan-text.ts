import { policyLines } from './policy-lines';
import type { AttributeChange, PlannedAction, PlannedValue, PlanSummary, ResourceChange } from './terraform-plan';

const SIGNS: Readonly<Record<PlannedAction, string>> = {
  create: '+ create',
  update: '~ change',
  replace: '! DESTROY AND CREATE AGAIN',
  delete: '! DESTROY',
  import: '= import',
  forget: '- forget (it stays, but Terraform no longer manages it)',
};

/**
 * A plan for people: the counts, then each resource with each attribute before → after. It omits only values that
 * Terraform will fill in, attributes that stay unset, and a `tags_all` that repeats `tags`. It shows policies
 * statement by statement.
 */
export function formatPlan(stack: string, summary: PlanSummary): string {
  const { resources, outputs } = summary;
  if (resources.length + outputs.length === 0) return `plan of ${stack}: no changes`;
  const count = (...actions: readonly PlannedAction[]): number =>
    resources.filter((resource) => actions.includes(resource.action)).length;
  const imported = resources.filter(({ importedFrom }) => importedFrom !== undefined).length;
  const counts = [
    `${count('create')} to create`,
    `${count('update')} to change`,
    `${count('delete', 'replace')} to destroy`,
    ...(imported > 0 ? [`${imported} to import`] : []),
    ...(count('forget') > 0 ? [`${count('forget')} to forget`] : []),
  ];
  return [
    `plan of ${stack}: ${counts.join(', ')}`,
    ...[...resources, ...outputs].flatMap((one) => ['', ...resourceLines(one)]),
  ].join('\n');
}

function resourceLines(resource: ResourceChange): readonly string[] {
  const lines = resource.attributes.filter((one) => isWorthALine(one, resource)).flatMap(attributeLines);
  const origin = resource.importedFrom === undefined ? '' : `, imported from ${resource.importedFrom}`;
  const unchanged = resource.action === 'import' ? ', unchanged' : '';
  return [`  ${SIGNS[resource.action]} ${resource.address}${origin}${unchanged}`, ...lines];
}

function isWorthALine(attribute: AttributeChange, { action, attributes }: ResourceChange): boolean {
  if (attribute.forcesReplace) return true;
  if (action === 'create' && (!attribute.after.known || attribute.after.value === null)) return false;
  if (action === 'delete' && attribute.before.known && attribute.before.value === null) return false;
  if (!attribute.path.startsWith('tags_all')) return true;
  const twin = attributes.find((one) => one.path === attribute.path.replace(/^tags_all/, 'tags'));
  return JSON.stringify([twin?.before, twin?.after]) !== JSON.stringify([attribute.before, attribute.after]);
}

function attributeLines({ path, before, after, forcesReplace }: AttributeChange): readonly string[] {
  const name = path === '' ? '' : `${path}: `;
  const [was, becomes] = [statementsOf(before), statementsOf(after)];
  if (was !== undefined || becomes !== undefined) {
    const gone = (was ?? []).filter((line) => !becomes?.includes(line)).map((line) => `        - ${line}`);
    const added = (becomes ?? []).filter((line) => !was?.includes(line)).map((line) => `        + ${line}`);
    return [`      ${name}`.trimEnd(), ...gone, ...added];
  }
  const isNew = before.known && before.value === null;
  const change = isNew ? shown(after) : `${shown(before)} → ${shown(after)}`;
  return [`      ${name}${change}${forcesReplace ? '   (forces replacement)' : ''}`];
}

function shown(value: PlannedValue): string {
  if (!value.known) return `(${value.why})`;
  return value.value === null ? '(unset)' : JSON.stringify(value.value);
}

function statementsOf(value: PlannedValue): readonly string[] | undefined {
  return value.known && typeof value.value === 'string' ? policyLines(value.value) : undefined;
}
