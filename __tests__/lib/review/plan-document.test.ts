import fc from 'fast-check';
import { KeyturnError } from '../../../lib/errors';
import { readPlanDocument } from '../../../lib/review/plan-document';
import { keyChange, planText } from './plan-texts';

const read = (text: string) => readPlanDocument(text, 'plan.json');
const fails = (text: string): KeyturnError => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof KeyturnError) return error;
    throw error;
  }
  throw new Error('it was read');
};

describe('a plan as JSON', () => {
  it('is read as Terraform shows it, and members that are not known are passed over', () => {
    const found = read(planText([keyChange({ new_member: 1 })], { format_version: '1.99', new_member: { deep: [] } }));
    expect(found).toMatchObject({ form: 'plan', formatVersion: '1.99', terraformVersion: '1.11.4', complete: true });
    expect(found.changes).toMatchObject([{ address: 'aws_kms_external_key.version_v1', action: 'create' }]);
  });

  it.each(['plan', 'tfplan'])('is read from under %s, as policy engines are handed it', (member) => {
    const text = JSON.stringify({ run: { id: 'run-1' }, [member]: JSON.parse(planText([keyChange()])) });
    expect(read(text).changes).toHaveLength(1);
  });

  it('is read from a redacted export', () => {
    const text = JSON.stringify({ plan_format_version: '1.2', provider_schemas: {}, resource_changes: [keyChange()] });
    expect(read(text)).toMatchObject({ form: 'redacted', changes: [{ action: 'create' }], configured: [] });
  });

  it.each([
    [['delete', 'create'], 'replace'],
    [['create', 'delete'], 'replace'],
    [['forget'], 'forget'],
    [['no-op'], 'no-op'],
  ])('reads the actions %j as %s', (actions, action) => {
    expect(read(planText([keyChange({ actions })])).changes[0]?.action).toBe(action);
  });

  it('finds resources of modules below modules', () => {
    const resource = { address: 'module.a.module.b.aws_kms_alias.x', mode: 'managed', type: 'aws_kms_alias' };
    const b = { resources: [resource], module_calls: {} };
    const configuration = { root_module: { module_calls: { a: { module: { module_calls: { b: { module: b } } } } } } };
    const found = read(planText([], { configuration }));
    expect([found.configured.length, found.moduleCalls]).toEqual([1, ['a', 'b']]);
  });

  it('fails when it is truncated at any point, with one error', () => {
    const text = planText([keyChange()]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: text.length - 1 }), (length) => {
        expect(fails(text.slice(0, length))).toMatchObject({ code: 'review-plan-unreadable' });
      }),
    );
    expect(fails(text.slice(0, 40)).message).toBe('plan.json cannot be reviewed: it is truncated JSON');
  });

  it.each([
    ['', 'it is empty'],
    ['Terraform will perform the following actions:', 'it is not JSON'],
    ['{}', 'no format_version'],
    ['[]', 'no format_version'],
    ['null', 'no format_version'],
    ['{"format_version":"1.0","values":{}}', 'no format_version'],
    ['{"format_version":"1.2","resource_changes":{}}', 'is not a list'],
    [planText([{ change: {} }]), 'has no address'],
    [planText([keyChange({ actions: ['explode'] })]), 'an action that this version does not support'],
  ])('fails for %j', (text, reason) => {
    expect(fails(text)).toMatchObject({ code: 'review-plan-unreadable', message: expect.stringContaining(reason) });
  });

  it.each(['2.0', '0.2', '10.1'])('refuses format %s', (format_version) => {
    expect(fails(planText([], { format_version }))).toMatchObject({ code: 'review-plan-newer' });
  });

  it('never fails otherwise, whatever the JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(fails(text).code).toMatch(/^review-plan-/);
      }),
    );
  });
});
