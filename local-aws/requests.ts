import type { Need } from './need';

/** One request as a test or a person looks back at it. */
export interface RequestRecord {
  readonly service: string;
  /** As the API reference names it; `Unknown` if it was not recognized. */
  readonly operation: string;
  /** The object key or the key identifier a KMS request names. */
  readonly key: string | undefined;
  readonly method: string;
  /** Path and query as they came, without the query of a presigned URL's signature. */
  readonly path: string;
  readonly accessKeyId: string | undefined;
  readonly userAgent: string | undefined;
  readonly status: number;
  /** The error code of a refusal. */
  readonly code: string | undefined;
  readonly requestId: string;
  /**
   * The IAM actions that the request needed as far as it went, each once, in the order they were asked for. They
   * include those of KMS that S3 takes in the caller's name, and the one that was denied. Empty for what takes no
   * permission.
   */
  readonly actions: readonly string[];
  /** The same with the ARN each action was asked for. */
  readonly needs: readonly Need[];
}

/** A request whose signature and permission are in order, about to be carried out or just carried out. */
export interface RequestEvent {
  readonly service: string;
  readonly operation: string;
  readonly key: string | undefined;
  readonly method: string;
  readonly rawPath: string;
  readonly requestId: string;
}

/** What a hook wants to become of the connection. `'reset'` drops it without an answer. */
export type Verdict = 'reset' | undefined;

/** Called around the moment a request takes effect; a promise holds the request up. */
export interface RequestHook {
  before?(event: RequestEvent): Verdict | Promise<Verdict>;
  after?(event: RequestEvent & { readonly status: number }): Verdict | Promise<Verdict>;
}

/** The hooks of one endpoint, and the latest requests it served. */
export interface Requests extends Iterable<RequestRecord> {
  readonly length: number;
  clear(): void;
  /** Adds a hook and returns a function that takes it away again. */
  hook(hook: RequestHook): () => void;
  record(record: RequestRecord): void;
  before(event: RequestEvent): Promise<Verdict>;
  after(event: RequestEvent & { readonly status: number }): Promise<Verdict>;
  readonly hooked: boolean;
}

/** Keeps the latest `capacity` requests, so that an endpoint that runs for days does not grow. */
export function createRequests(onRecord: (record: RequestRecord) => void, capacity = 50_000): Requests {
  let records: RequestRecord[] = [];
  const hooks = new Set<RequestHook>();
  return {
    get length() {
      return records.length;
    },
    get hooked() {
      return hooks.size > 0;
    },
    [Symbol.iterator]: () => records[Symbol.iterator](),
    clear() {
      records = [];
    },
    hook(hook) {
      hooks.add(hook);
      return () => hooks.delete(hook);
    },
    record(record) {
      if (records.length >= 2 * capacity) records = records.slice(-capacity);
      records.push(record);
      onRecord(record);
    },
    async before(event) {
      let verdict: Verdict;
      for (const hook of hooks) verdict = (await hook.before?.(event)) ?? verdict;
      return verdict;
    },
    async after(event) {
      let verdict: Verdict;
      for (const hook of hooks) verdict = (await hook.after?.(event)) ?? verdict;
      return verdict;
    },
  };
}
