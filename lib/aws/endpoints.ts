import { KeyturnError } from '../errors';
import type { AwsClients } from './clients';

/** The internal SDK configuration after it read the endpoint variables and profiles. */
export interface EndpointSettings {
  readonly endpoint?:
    | (() => Promise<{ readonly protocol?: string; readonly hostname: string; readonly port?: number | undefined }>)
    | undefined;
  readonly serviceConfiguredEndpoint?: (() => Promise<string | undefined>) | undefined;
}

/** Where each service is reached if that is not AWS: `http://127.0.0.1:4566`; null: AWS itself. */
export interface Endpoints {
  readonly kms: string | null;
  readonly s3: string | null;
  readonly sts: string | null;
}

/** The configured URL of a client (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_KMS`, a profile); undefined: the SDK's own choice. */
export async function configuredEndpoint(config: unknown): Promise<URL | undefined> {
  const settings = config as EndpointSettings;
  if (settings.endpoint) {
    const { protocol = 'https:', hostname, port } = await settings.endpoint();
    return new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
  }
  const configured = await settings.serviceConfiguredEndpoint?.();
  return configured !== undefined && URL.canParse(configured) ? new URL(configured) : undefined;
}

/** True for a host of AWS. */
export const isAwsHost = (hostname: string): boolean =>
  AWS_DOMAINS.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));

/** Of the SDK's list of partitions: each has one for its services, and most one for dual-stack endpoints. */
const AWS_DOMAINS: readonly string[] = [
  'amazonaws.com',
  'api.aws',
  'amazonaws.com.cn',
  'api.amazonwebservices.com.cn',
  'amazonaws.eu',
  'api.amazonwebservices.eu',
  'c2s.ic.gov',
  'api.aws.ic.gov',
  'sc2s.sgov.gov',
  'api.aws.scloud',
  'cloud.adc-e.uk',
  'api.cloud-aws.adc-e.uk',
  'csp.hci.ic.gov',
  'api.aws.hci.ic.gov',
];

/** The endpoints of a run that are not AWS's, for people, evidence and JSON. */
export async function endpointsOf({ kms, s3, sts }: Pick<AwsClients, 'kms' | 's3' | 'sts'>): Promise<Endpoints> {
  const foreign = async (config: unknown): Promise<string | null> => {
    const url = await configuredEndpoint(config);
    return url === undefined || (isAwsHost(url.hostname) && url.protocol === 'https:') ? null : url.origin;
  };
  return { kms: await foreign(kms.config), s3: await foreign(s3.config), sts: await foreign(sts.config) };
}

/**
 * Refuses to fetch a public key or to send material over plain http, except on this machine: whoever is in between could
 * replace the key that material is wrapped under.
 *
 * @returns the endpoint if it is not AWS's, otherwise undefined
 * @throws KeyturnError `endpoint-insecure`
 */
export async function requireSecureEndpoint(kms: Pick<AwsClients['kms'], 'config'>): Promise<string | undefined> {
  const url = await configuredEndpoint(kms.config);
  if (url === undefined) return undefined;
  if (url.protocol !== 'https:' && !isLoopback(url.hostname))
    throw new KeyturnError('endpoint-insecure', { url: url.origin });
  return isAwsHost(url.hostname) ? undefined : url.origin;
}

const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || hostname === '::1' || /^127(\.\d{1,3}){3}$/.test(hostname);
