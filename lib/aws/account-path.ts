import type { S3ControlClient } from '@aws-sdk/client-s3-control';

/**
 * Does not change the host of a custom endpoint. The SDK would prefix the account, and `123456789012.127.0.0.1` is
 * not an address; the header `x-amz-account-id` holds the account anyway.
 */
export function keepAccountOutOfHost(control: S3ControlClient): void {
  const { config } = control;
  const resolve = config.endpointProvider;
  config.endpointProvider = (params, context) => {
    const { Endpoint: endpoint, Region: region } = params;
    if (endpoint === undefined || region === undefined || !URL.canParse(endpoint)) return resolve(params, context);
    const url = new URL(endpoint);
    if (/(^|\.)amazonaws\.com(\.cn)?$/.test(url.hostname)) return resolve(params, context);
    const scheme = { signingName: 's3', signingRegion: region, disableDoubleEncoding: true };
    return { url, headers: {}, properties: { authSchemes: [{ name: 'sigv4', ...scheme, properties: {} }] } };
  };
}
