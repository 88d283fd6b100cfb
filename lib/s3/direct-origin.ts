import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';

/** Where requests about one bucket go, and how they are signed: as the SDK resolves it. */
export interface S3Origin {
  /** `https://host` or `http://host:port`. */
  readonly origin: string;
  /** The `host` header. */
  readonly host: string;
  /** What stands before `/<key>`: empty for virtual-host style, `/<bucket>` for path style. */
  readonly basePath: string;
  readonly region: string;
}

interface Resolved {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
}

/**
 * Lets the SDK build a HeadBucket and takes its address before anything is sent. Path or virtual-host style, custom,
 * FIPS and dual-stack endpoints come out as the SDK's own rules have them.
 */
export async function resolveOrigin(s3: S3Client, bucket: string): Promise<S3Origin> {
  const command = new HeadBucketCommand({ Bucket: bucket });
  let request: Resolved | undefined;
  let region: string | undefined;
  command.middlewareStack.add(
    (_next, context) => async (args) => {
      request = args.request as Resolved;
      const schemes = context.endpointV2?.properties?.authSchemes as { signingRegion?: string }[] | undefined;
      region = schemes?.[0]?.signingRegion;
      return { response: {}, output: { $metadata: {} } };
    },
    { step: 'build', priority: 'low', name: 'keyturnResolveOrigin' },
  );
  await s3.send(command);
  if (!request) throw new TypeError('the SDK built no request to take an address from');
  const { protocol, hostname, port, path } = request;
  const isDefault = port === undefined || (protocol === 'https:' ? port === 443 : port === 80);
  const host = isDefault ? hostname : `${hostname}:${port}`;
  return {
    origin: `${protocol}//${host}`,
    host,
    basePath: path.replace(/\/+$/, ''),
    region: region ?? (await s3.config.region()),
  };
}
