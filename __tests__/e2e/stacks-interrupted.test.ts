import { stage } from './stacks-stage';

const ROTATION = `name: payroll
region: ap-northeast-1
alias: alias/payroll
keyVersions:
  - name: v1
activeVersion: v1
buckets:
  - name: payroll-data
    manage: bucket
`;

const MINUTES = 180_000;

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

it(
  'an apply that is interrupted just after it created the key still leaves a state that can be planned on',
  async () => {
    await using on = await stage();
    const { keys } = await on.declare(ROTATION);
    const controller = new AbortController();
    on.aws.requests.hook({
      after({ operation }) {
        if (operation === 'CreateKey') controller.abort();
        return undefined;
      },
    });
    const terraform = await on.terraform();
    const plan = await terraform.plan(keys);
    const interrupted = await on.terraform(on.env, controller.signal);
    await expect(interrupted.apply(plan)).rejects.toMatchObject({ code: 'interrupted', exitCode: 130 });
    expect((await terraform.plan(keys)).changes).toBe(false);
    expect(await on.key('alias/payroll/v1')).toMatchObject({ KeyState: 'PendingImport' });
  },
  MINUTES,
);

it(
  'tells who holds the state while another run applies, and that run is not disturbed',
  async () => {
    await using on = await stage();
    await on.keepProvider();
    const { keys } = await on.declare(ROTATION);
    const terraform = await on.terraform();
    const plan = await terraform.plan(keys);
    const creating = gate();
    const told = gate();
    on.aws.requests.hook({
      async after({ operation }) {
        if (operation !== 'CreateAlias') return undefined;
        creating.open();
        await told.opened;
        return undefined;
      },
    });
    const applying = terraform.apply(plan);
    await creating.opened;
    await expect(terraform.plan(keys)).rejects.toMatchObject({
      code: 'terraform-state-locked',
      facts: {
        who: expect.stringContaining('@'),
        operation: 'OperationTypeApply',
        id: expect.stringMatching(/^[\w-]{36}$/),
      },
    });
    told.open();
    await applying;
    expect((await terraform.plan(keys)).changes).toBe(false);
  },
  MINUTES,
);
