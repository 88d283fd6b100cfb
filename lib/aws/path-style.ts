import type { S3Client } from '@aws-sdk/client-s3';

/** The internal SDK configuration after it read the endpoint variables. */
interface EndpointSettings {
  forcePathStyle?: boolean | undefined;
  endpoint?: (() => Promise<{ hostname: string }>) | undefined;
  serviceConfiguredEndpoint?: (() => Promise<string | undefined>) | undefined;
}

/**
 * Puts the bucket into the path for a custom endpoint: `bucket.localhost` does not resolve everywhere. The SDK reads
 * the variables at the first request, so this cannot be decided earlier.
 */
export function addressPathStyle(s3: S3Client): void {
  const settings = s3.config as unknown as EndpointSettings;
  let decided: Promise<void> | undefined;
  const decide = async () => {
    const hostname = await endpointHost(settings);
    if (hostname !== undefined && !/(^|\.)amazonaws\.com(\.cn)?$/.test(hostname)) settings.forcePathStyle = true;
  };
  s3.middlewareStack.add(
    (next) => async (args) => {
      decided ??= decide();
      await decided;
      return next(args);
    },
    { step: 'initialize', priority: 'high', name: 'addressPathStyle' },
  );
}

/** Host of the endpoint that the standard variables or profiles name for a client; undefined: AWS's own. */
export function customEndpointHost(client: { readonly config: object }): Promise<string | undefined> {
  return endpointHost(client.config as EndpointSettings);
}

async function endpointHost(settings: EndpointSettings): Promise<string | undefined> {
  if (settings.endpoint) return (await settings.endpoint()).hostname;
  const configured = await settings.serviceConfiguredEndpoint?.();
  return configured && URL.canParse(configured) ? new URL(configured).hostname : undefined;
}
