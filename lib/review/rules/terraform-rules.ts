import { isSameConstraint } from '../../rotation/provider-version';
import { type Rotation, sessionName } from '../../rotation/rotation';
import { BUCKET_DEFAULT } from '../key-target-changes';
import { isSupportResource, LOCK } from '../own-addresses';
import { list, same, text, type Values, values } from '../plan-values';
import { type Words, words } from '../review-messages';
import type { ReviewRule, Sighting } from '../review-rule';

/** The AWS provider, by the registry of either product. */
const PROVIDER = /^registry\.(terraform\.io|opentofu\.org)\/hashicorp\/aws$/;
const ARGUMENTS = new Set([
  'region',
  'allowed_account_ids',
  's3_use_path_style',
  'profile',
  'assume_role',
  'default_tags',
]);

const provider: ReviewRule = {
  id: 'KT050',
  title: 'the provider or its configuration differs',
  severity: 'error',
  why: 'With another provider, version range, Region, endpoint or role, the same plan acts elsewhere or runs other code.',
  next: 'Remove the change: provider, versions, Region, profile and role come from the rotation file, credentials from the standard variables.',
  waivable: true,
  look: ({ plan, rotation }) => [
    ...plan.providers.flatMap((one) => providerFaults(one, rotation).map((message) => ({ message }))),
    ...[...new Set(plan.changes.map((change) => change.provider))]
      .filter((name) => name !== undefined && !PROVIDER.test(name))
      .map((name) => ({ message: words`resources use provider ${name ?? ''}` })),
  ],
};

function providerFaults(one: Values, rotation: Rotation): readonly Words[] {
  const name = text(one.full_name) ?? text(one.name) ?? '';
  if (!PROVIDER.test(name)) return [words`the configuration uses provider ${name}`];
  const found: Words[] = [];
  const versions = text(one.version_constraint) ?? '(any)';
  const declared = rotation.terraform.awsProvider;
  if (!isSameConstraint(versions, declared))
    found.push(words`the provider's versions are ${versions}, not ${declared}`);
  if (text(one.alias) !== undefined)
    found.push(words`there is a second configuration of the provider, ${text(one.alias) ?? ''}`);
  const expressions = values(one.expressions);
  const constant = (argument: string): unknown => values(expressions[argument]).constant_value;
  if (constant('region') !== rotation.region)
    found.push(
      words`the provider's Region is ${text(constant('region')) ?? '(not a constant)'}, not ${rotation.region}`,
    );
  if (rotation.account !== undefined && !same(constant('allowed_account_ids'), [rotation.account])) {
    found.push(words`the provider no longer refuses other accounts than ${rotation.account}`);
  }
  return [
    ...found,
    ...Object.entries(declaredAccess(rotation))
      .filter(([argument, wanted]) => !same(constantsOf(expressions[argument]), wanted))
      .map(([argument]) => words`the provider's ${argument} is not that of the rotation file`),
    ...Object.keys(expressions)
      .filter((key) => !ARGUMENTS.has(key))
      .map((key) => words`the provider sets ${key}`),
  ];
}

/** Profile, role and default tags as the configuration of a plan states them; undefined: none may be there. */
function declaredAccess(rotation: Rotation): Values {
  const { profile, assumeRole, defaultTags = {} } = rotation.aws ?? {};
  const tags = Object.keys(defaultTags).length === 0 ? undefined : [{ tags: defaultTags }];
  const role = assumeRole && {
    role_arn: assumeRole.roleArn,
    session_name: sessionName(rotation),
    ...(assumeRole.externalId === undefined ? {} : { external_id: assumeRole.externalId }),
  };
  return { profile, assume_role: role && [role], default_tags: tags };
}

/** The constants of an argument, or of the blocks of its name; a reference in it is no constant. */
function constantsOf(expression: unknown): unknown {
  if (Array.isArray(expression))
    return expression.map((block) =>
      Object.fromEntries(Object.entries(values(block)).map(([name, inner]) => [name, constantsOf(inner)])),
    );
  return expression === undefined ? undefined : values(expression).constant_value;
}

const backend: ReviewRule = {
  id: 'KT051',
  title: 'the backend is not the one that the rotation file declares',
  severity: 'error',
  why: 'With another state, the plan does not see existing resources and creates everything again. An unencrypted state is readable.',
  next: 'Plan again from the rotation file. To move a state: terraform init -migrate-state.',
  waivable: true,
  look: ({ stackFile, rotation }) => {
    if (stackFile === undefined) return [];
    const declared = values(values(stackFile.terraform).backend);
    const [kind = '(none)'] = Object.keys(declared);
    const wanted = rotation.terraform;
    if (kind !== wanted.backend)
      return [
        { message: words`the stack stores its state in backend ${kind}, but the file declares ${wanted.backend}` },
      ];
    if (wanted.backend === 'local') return [];
    const set = values(declared.s3);
    const expected: Values = { bucket: wanted.s3.bucket, region: wanted.s3.region, encrypt: true, use_lockfile: true };
    const off = Object.entries(expected).filter(([name, value]) => set[name] !== value);
    const prefix = text(set.key)?.startsWith(wanted.s3.prefix) ? [] : ['key'];
    return [...off.map(([name]) => name), ...prefix].map((name) => ({
      message: words`the backend's ${name} is ${text(set[name]) ?? '(unset)'}`,
    }));
  },
};

const protectionLost: ReviewRule = {
  id: 'KT052',
  title: 'a guard is missing in the configuration',
  severity: 'error',
  why: 'Because of prevent_destroy, ignore_changes and the preconditions, Terraform itself refuses to delete a key, to import over its material, or to switch too early.',
  next: 'Synthesize the stack again from the rotation file.',
  waivable: true,
  look: ({ stackFile }) =>
    Object.entries(values(stackFile?.resource)).flatMap(([type, all]) =>
      Object.entries(values(all)).flatMap(([name, resource]) =>
        missingGuards(`${type}.${name}`, type, values(resource)),
      ),
    ),
};

function missingGuards(address: string, type: string, resource: Values): readonly Sighting[] {
  const lifecycle = values(resource.lifecycle);
  const prevents = ['aws_kms_external_key', 'aws_s3_bucket', BUCKET_DEFAULT, LOCK.type];
  const retires = type === 'aws_kms_external_key' && resource.enabled === false;
  const guarded =
    address === 'aws_kms_alias.main' || (type === BUCKET_DEFAULT && !isSupportResource(address)) || retires;
  const ignores = list(lifecycle.ignore_changes);
  const missing = [
    ...(prevents.includes(type) && lifecycle.prevent_destroy !== true ? ['prevent_destroy'] : []),
    ...(guarded && list(lifecycle.precondition).length === 0 ? ['preconditions'] : []),
    ...(type === 'aws_kms_external_key' && !(ignores.includes('valid_to') && ignores.includes('key_material_base64'))
      ? ['ignore_changes of valid_to and key_material_base64']
      : []),
  ];
  return missing.map((what) => ({ address, message: [...words`${address} has no `, what] }));
}

const incomplete: ReviewRule = {
  id: 'KT053',
  title: 'the plan is incomplete',
  severity: 'error',
  why: 'A plan that ended in an error, or that targets single resources, does not show all changes.',
  next: 'Fix the error that Terraform reports, and plan again without -target.',
  waivable: true,
  look: ({ plan }) => [
    ...(plan.errored ? [{ message: words`the plan ended in an error` }] : []),
    ...(plan.complete || plan.errored ? [] : [{ message: words`Terraform reports that the plan is not complete` }]),
  ],
};

export const terraformRules: readonly ReviewRule[] = [provider, backend, protectionLost, incomplete];
