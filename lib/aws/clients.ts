import type { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import type { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { S3ControlClient } from '@aws-sdk/client-s3-control';
import { STSClient } from '@aws-sdk/client-sts';

import { keepAccountOutOfHost } from './account-path';
import { rememberEndpoint } from './endpoint-of';
import { requireSchemes } from './endpoint-variables';
import { type Network, NetworkHandler, openNetwork } from './network';
import { addressPathStyle } from './path-style';
import { rememberProfile } from './profile-of';
import { type AssumedRole, type RoleCredentials, roleCredentials } from './role-credentials';
import { decideRetries } from './sdk-retries';

export interface AwsClients {
  readonly kms: KMSClient;
  readonly s3: S3Client;
  /** S3 Batch Operations; signs as `s3`. */
  readonly s3Control: S3ControlClient;
  readonly sts: STSClient;
  /** Loaded at the first call, like the next: few commands use them, and loading takes longer than many a command. */
  cloudTrail(): Promise<CloudTrailClient>;
  iam(): Promise<IAMClient>;
  /** The Region of all clients. */
  readonly region: string;
  /** New clients of the same Region and network with other credentials, such as those of a role's session. */
  as(credentials: SessionCredentials): AwsClients;
  /** Closes the sockets; without it a process runs until they time out. */
  destroy(): void;
}

/** Temporary credentials, as AssumeRole gives them. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface ClientOptions {
  /** Region of the rotation file, for example `ap-northeast-1`. */
  readonly region: string;
  /** Read for proxies: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`. */
  readonly env: NodeJS.ProcessEnv;
  /** A profile of the shared configuration file. Default: that of the standard variables. */
  readonly profile?: string | undefined;
  /** The role that the clients act as, assumed with the credentials found so far, and again before a session ends. */
  readonly role?: AssumedRole | undefined;
  /** When it fires, requests in flight are aborted and retries stop. Omit it to let calls finish. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The only place that creates AWS clients. The SDK reads endpoint, credentials and number of attempts from the
 * standard variables and profiles (`AWS_ENDPOINT_URL`, `AWS_PROFILE`, `AWS_MAX_ATTEMPTS`, …); only the Region and the
 * network are passed.
 */
export function createClients({ region, env, signal, profile, role }: ClientOptions): AwsClients {
  requireSchemes(env);
  const network = openNetwork(env);
  const found = clientsOn(network, { region, signal, profile, named: profile ?? env.AWS_PROFILE });
  if (role === undefined) return found;
  const assumed = clientsOn(network, { region, signal, credentials: () => roleCredentials(found.sts, role) });
  return {
    ...assumed,
    destroy() {
      assumed.destroy();
      found.destroy();
    },
  };
}

interface Settings extends Pick<ClientOptions, 'region' | 'signal' | 'profile'> {
  /** The profile that the credentials come from, where one is named. */
  readonly named?: string | undefined;
  /** Absent: those of the standard variables and profiles. */
  readonly credentials?: SessionCredentials | (() => Promise<RoleCredentials>);
}

function clientsOn(network: Network, { region, signal, profile, named, credentials }: Settings): AwsClients {
  const given = { ...(profile !== undefined && { profile }), ...(credentials && { credentials }) };
  const settings = () => ({ region, requestHandler: new NetworkHandler(network), ...given });
  const kms = new KMSClient(settings());
  const s3 = new S3Client(settings());
  const s3Control = new S3ControlClient(settings());
  const sts = new STSClient(settings());
  const opened: Opened[] = [kms, s3, s3Control, sts];
  const prepared = <T extends Opened>(client: T): T => {
    decideRetries(client.config, signal);
    watchRequests(client.config, network, signal);
    if (named !== undefined) nameProfile(client, named);
    return client;
  };
  const onDemand = <T extends Opened>(open: () => Promise<T>): (() => Promise<T>) => {
    let client: Promise<T> | undefined;
    return () => {
      client ??= open().then((made) => {
        opened.push(made);
        return prepared(made);
      });
      return client;
    };
  };
  addressPathStyle(s3);
  keepAccountOutOfHost(s3Control);
  opened.forEach(prepared);
  return {
    kms,
    s3,
    s3Control,
    sts,
    cloudTrail: onDemand(async () => new (await import('@aws-sdk/client-cloudtrail')).CloudTrailClient(settings())),
    iam: onDemand(async () => new (await import('@aws-sdk/client-iam')).IAMClient(settings())),
    region,
    as: (other) => clientsOn(network, { region, signal, credentials: other }),
    destroy() {
      for (const client of opened) client.destroy();
    },
  };
}

/** A call that finds no credentials fails before any request: the error learns whose they were to be. */
function nameProfile(client: Opened, profile: string): void {
  const stack: unknown = client.middlewareStack;
  (stack as AnyStack).add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        rememberProfile(error, profile);
        throw error;
      }
    },
    { step: 'initialize', name: 'nameProfile' },
  );
}

/** What the stacks of all clients have in common. */
interface AnyStack {
  add(
    middleware: (next: (args: unknown) => Promise<unknown>) => (args: unknown) => Promise<unknown>,
    options: { readonly step: 'initialize'; readonly name: string },
  ): void;
}

type Opened = KMSClient | S3Client | S3ControlClient | STSClient | CloudTrailClient | IAMClient;
type Handler = Pick<Opened['config'], 'requestHandler'>;

/** Passes the signal to every request, and saves where a failed request was sent. */
function watchRequests(config: Handler, network: Network, signal: AbortSignal | undefined): void {
  const handler = config.requestHandler;
  const handle = handler.handle.bind(handler);
  handler.handle = async (request, options) => {
    try {
      return await handle(request, signal ? { abortSignal: signal, ...options } : options);
    } catch (thrown) {
      const error = ofThisRealm(thrown);
      const port = request.port === undefined ? '' : `:${request.port}`;
      rememberEndpoint(error, network.route(`${request.protocol}//${request.hostname}${port}`));
      throw error;
    }
  };
}

/** The SDK wraps errors from another realm, such as a test runner's, and hides the code of a network error. */
function ofThisRealm(thrown: unknown): unknown {
  if (thrown instanceof Error || typeof thrown !== 'object' || thrown === null) return thrown;
  const { name, message } = thrown as Error;
  return Object.assign(new Error(message, { cause: thrown }), { ...thrown, name });
}
