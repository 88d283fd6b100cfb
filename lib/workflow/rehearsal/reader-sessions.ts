import { assumeRole, SESSION_SECONDS } from '../../aws/assume-role';
import type { AwsClients } from '../../aws/clients';
import { createSdkStore } from '../../s3/sdk-store';
import type { ObjectStore } from '../../s3/store';
import { readingPolicy, type SessionPolicy } from './session-policy';

/** What a session of the readers' role cannot use: the old key, the active key, or `nothing` beyond what the role cannot. */
export type Denied = 'old' | 'active' | 'nothing';

/** A session of the readers' role. */
export interface ReaderSession {
  readonly clients: AwsClients;
  readonly store: ObjectStore;
}

interface Opened extends ReaderSession {
  /** Milliseconds, monotonic. */
  readonly at: number;
}

/** Sessions older than this are opened again, milliseconds. */
const RENEWED = (SESSION_SECONDS * 1000 * 2) / 3;

/** The sessions of one rehearsal, each opened when it is first needed, and again before it ends. */
export class ReaderSessions implements Disposable {
  readonly #clients: AwsClients;
  readonly #role: { readonly roleArn: string; readonly sessionName: string };
  readonly policies: Readonly<Record<Denied, SessionPolicy>>;
  readonly #open = new Map<Denied, Opened>();
  #requests = 0;

  constructor(
    clients: AwsClients,
    role: { readonly roleArn: string; readonly sessionName: string },
    keys: { readonly old: string; readonly active: string },
  ) {
    this.#clients = clients;
    this.#role = role;
    this.policies = { old: readingPolicy(keys.old), active: readingPolicy(keys.active), nothing: readingPolicy() };
  }

  /** Requests to STS and S3 so far. */
  get requests(): number {
    return [...this.#open.values()].reduce((sum, { store }) => sum + store.requests(), this.#requests);
  }

  /** @throws as AssumeRole does */
  async of(denied: Denied): Promise<ReaderSession> {
    const open = this.#open.get(denied);
    if (open && performance.now() - open.at < RENEWED) return open;
    const clients = await assumeRole(this.#clients, { ...this.#role, policy: this.policies[denied].text });
    this.#requests += 1 + (open?.store.requests() ?? 0);
    open?.clients.destroy();
    const session = { clients, store: createSdkStore(clients.s3), at: performance.now() };
    this.#open.set(denied, session);
    return session;
  }

  [Symbol.dispose](): void {
    for (const { clients } of this.#open.values()) clients.destroy();
  }
}
