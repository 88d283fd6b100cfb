import {
  CreateAliasCommand,
  CreateGrantCommand,
  GenerateDataKeyCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';

import { aliasTarget } from '../../../lib/kms/alias-target';
import { describeKey } from '../../../lib/kms/describe-key';
import { disableKey, enableKey } from '../../../lib/kms/key-switch';
import { otherUsers } from '../../../lib/kms/other-users';
import { proveImport } from '../../../lib/kms/prove-import';
import { waitForKey } from '../../../lib/kms/wait-for-key';
import { startEndpoint, type TestEndpoint } from '../aws/endpoint';
import { createEnabledKey, createExternalKey } from './external-key';

let endpoint: TestEndpoint;
const seen: string[] = [];
beforeAll(async () => {
  endpoint = await startEndpoint({ requestLog: (request) => seen.push(request.operation) });
});
beforeEach(() => {
  seen.length = 0;
});
afterEach(() => {
  endpoint.aws.faults.clear();
  endpoint.aws.faults.newKeyLag = 0;
});
afterAll(() => endpoint.close());

describe('describeKey', () => {
  test('recognizes a new external key: PendingImport, EXTERNAL, not enabled', async () => {
    const arn = await createExternalKey(endpoint.clients.kms);
    const key = await describeKey(endpoint.clients.kms, arn);
    expect(key).toMatchObject({ arn, state: 'PendingImport', origin: 'EXTERNAL', enabled: false });
    expect(key).toMatchObject({ validTo: undefined, currentKeyMaterialId: undefined, deletionDate: undefined });
    expect(arn.endsWith(key?.id ?? '?')).toBe(true);
  });

  test('knows when a key is to be deleted', async () => {
    const arn = await createExternalKey(endpoint.clients.kms);
    await endpoint.clients.kms.send(new ScheduleKeyDeletionCommand({ KeyId: arn, PendingWindowInDays: 7 }));
    const key = await describeKey(endpoint.clients.kms, arn);
    expect(key?.state).toBe('PendingDeletion');
    expect(key?.deletionDate).toBeInstanceOf(Date);
  });

  test.each(['alias/nothing', '11111111-2222-4333-8444-555555555555'])('is undefined for %s', async (name) => {
    expect(await describeKey(endpoint.clients.kms, name)).toBeUndefined();
  });
});

test('aliasTarget resolves an alias to the key, and an unknown one to nothing', async () => {
  const { kms } = endpoint.clients;
  const arn = await createExternalKey(kms);
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/rotation-test-key/v1', TargetKeyId: arn }));
  expect(await aliasTarget(kms, 'alias/rotation-test-key/v1')).toBe(arn);
  expect(await aliasTarget(kms, 'alias/rotation-test-key/v2')).toBeUndefined();
});

describe('waitForKey', () => {
  test('waits until a new key is visible', async () => {
    endpoint.aws.faults.newKeyLag = 2;
    const arn = await createExternalKey(endpoint.clients.kms);
    expect((await waitForKey(endpoint.clients.kms, arn, () => true)).arn).toBe(arn);
  });

  test('fails when the state does not come, naming the state there is', async () => {
    const arn = await createExternalKey(endpoint.clients.kms);
    const options = { timeoutMs: 300, awaited: 'Enabled' };
    const wait = waitForKey(endpoint.clients.kms, arn, (key) => key.enabled, options);
    const facts = { keyArn: arn, awaited: 'Enabled', state: 'PendingImport' };
    await expect(wait).rejects.toMatchObject({ code: 'kms-wait-timeout', facts });
  });

  test('ends at once when it is interrupted', async () => {
    const arn = await createExternalKey(endpoint.clients.kms);
    const controller = new AbortController();
    const wait = waitForKey(endpoint.clients.kms, arn, (key) => key.enabled, { signal: controller.signal });
    controller.abort();
    await expect(wait).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('proveImport', () => {
  test('leaves the encryption context that the key policy allows', async () => {
    const arn = await createEnabledKey(endpoint.clients.kms);
    const contexts: unknown[] = [];
    endpoint.clients.kms.middlewareStack.add(
      (next) => async (args) => {
        contexts.push((args.input as { EncryptionContext?: unknown }).EncryptionContext);
        return next(args);
      },
      { step: 'initialize', name: 'contexts' },
    );
    const { keyMaterialId } = await proveImport(endpoint.clients.kms, arn, 'rotation-test');
    endpoint.clients.kms.middlewareStack.remove('contexts');
    expect(keyMaterialId).toMatch(/^[0-9a-f]{64}$/);
    expect(contexts).toEqual([{ 'keyturn:proof': 'rotation-test' }, { 'keyturn:proof': 'rotation-test' }]);
  });

  test('waits while KMS still answers that the key is pending import', async () => {
    const arn = await createEnabledKey(endpoint.clients.kms);
    endpoint.refuse({ operation: 'GenerateDataKey', times: 1 }, 'KMSInvalidStateException');
    await expect(proveImport(endpoint.clients.kms, arn, 'rotation-test')).resolves.toHaveProperty('keyMaterialId');
  });

  test('fails when the key has no material', async () => {
    const arn = await createExternalKey(endpoint.clients.kms);
    const proof = proveImport(endpoint.clients.kms, arn, 'rotation-test', { timeoutMs: 200 });
    await expect(proof).rejects.toMatchObject({ facts: { awsCode: 'KMSInvalidStateException' } });
  });

  test('fails when Decrypt gives other bytes back, and zeroes both copies', async () => {
    const { kms } = endpoint.clients;
    const arn = await createEnabledKey(kms);
    const plaintexts: Uint8Array[] = [];
    kms.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args);
        const output = result.output as { Plaintext?: Uint8Array };
        if (output.Plaintext) plaintexts.push(output.Plaintext);
        if (output.Plaintext && context.commandName === 'DecryptCommand')
          output.Plaintext[0] = ~(output.Plaintext[0] ?? 0);
        return result;
      },
      { step: 'initialize', name: 'meddle' },
    );
    const proof = proveImport(kms, arn, 'rotation-test').finally(() => kms.middlewareStack.remove('meddle'));
    await expect(proof).rejects.toMatchObject({ code: 'kms-proof-failed' });
    expect(plaintexts).toHaveLength(2);
    for (const bytes of plaintexts) expect(bytes.every((byte) => byte === 0)).toBe(true);
  });
});

describe('enabling and disabling', () => {
  test('read the state back, and may be repeated', async () => {
    const { kms } = endpoint.clients;
    const arn = await createEnabledKey(kms);
    expect((await disableKey(kms, arn)).state).toBe('Disabled');
    expect((await disableKey(kms, arn)).state).toBe('Disabled');
    expect((await enableKey(kms, arn)).state).toBe('Enabled');
  });

  test('disabling fails for a key without material', async () => {
    const arn = await createExternalKey(endpoint.clients.kms);
    const disabled = disableKey(endpoint.clients.kms, arn);
    await expect(disabled).rejects.toMatchObject({ facts: { awsCode: 'KMSInvalidStateException' } });
  });

  test('a denied DisableKey speaks of the waiting time that a policy may ask for', async () => {
    const arn = await createEnabledKey(endpoint.clients.kms);
    endpoint.refuse({ operation: 'DisableKey' }, 'AccessDeniedException', 'explicit deny');
    const error = await disableKey(endpoint.clients.kms, arn).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'kms-disable-denied', exitCode: 77, facts: { keyArn: arn } });
    expect((error as { hint: string }).hint).toContain('kms:TrailingDaysWithoutKeyUsage');
  });
});

describe('otherUsers', () => {
  test('lists grants and the last use', async () => {
    const { kms } = endpoint.clients;
    const arn = await createEnabledKey(kms);
    const grantee = 'arn:aws:iam::123456789012:role/somebody';
    await kms.send(new CreateGrantCommand({ KeyId: arn, GranteePrincipal: grantee, Operations: ['Decrypt'] }));
    await kms.send(new GenerateDataKeyCommand({ KeyId: arn, KeySpec: 'AES_256' }));
    const users = await otherUsers(kms, arn);
    expect(users.grants.known).toMatchObject([{ grantee, operations: ['Decrypt'] }]);
    expect(users.lastUsage.known).toMatchObject({ operation: 'GenerateDataKey', at: expect.any(Date) });
  });

  test('knows no last use for a key that nobody used', async () => {
    const arn = await createEnabledKey(endpoint.clients.kms);
    const users = await otherUsers(endpoint.clients.kms, arn);
    expect(users).toMatchObject({
      grants: { known: [] },
      lastUsage: { known: { at: undefined, operation: undefined } },
    });
  });

  test.each([
    ['GetKeyLastUsage', 'UnknownOperationException', 'lastUsage', 'the endpoint does not know kms:GetKeyLastUsage'],
    ['GetKeyLastUsage', 'AccessDeniedException', 'lastUsage', 'kms:GetKeyLastUsage is denied'],
    ['ListGrants', 'AccessDeniedException', 'grants', 'kms:ListGrants is denied'],
  ] as const)('names what it could not ask where the answer to %s is %s', async (operation, code, member, unknown) => {
    const arn = await createEnabledKey(endpoint.clients.kms);
    endpoint.refuse({ operation }, code);
    expect((await otherUsers(endpoint.clients.kms, arn))[member]).toEqual({ known: undefined, unknown });
  });
});
