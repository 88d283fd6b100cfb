import type { AwsClients } from '../aws/clients';
import { type Removed, removeSandboxes } from './remove-sandbox';
import { openSandbox, type Sandbox, type SandboxRequest } from './sandbox';
import { SandboxKeys } from './sandbox-keys';

/** How a run ended: what it found out, and what it removed. */
export interface SandboxRun<T> {
  readonly result: T;
  /** What is removed of the run; the error where that failed. */
  readonly removed: Removed | { readonly failed: unknown };
}

/**
 * Opens a sandbox, works in it, and removes it, also after a failure and after Ctrl-C.
 *
 * @param cleaners - clients without the signal of the run, which would abort the removal too
 * @throws what `work` throws; then the removal is only tried
 */
export async function inSandbox<T>(
  request: SandboxRequest,
  cleaners: AwsClients,
  work: (sandbox: Sandbox) => Promise<T>,
): Promise<SandboxRun<T>> {
  const keys = new SandboxKeys(request);
  let result: T;
  try {
    result = await work(await openSandbox(request, keys));
  } catch (error) {
    await removeSandboxes(cleaners, request.account).catch(() => undefined);
    throw error;
  } finally {
    keys.dispose();
  }
  const removed = await removeSandboxes(cleaners, request.account).catch((failed: unknown) => ({ failed }));
  return { result, removed };
}
