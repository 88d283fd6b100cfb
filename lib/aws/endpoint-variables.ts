import { KeyturnError } from '../errors';

/**
 * Refuses an endpoint variable without a scheme: `localhost:4566` would be read as a URL of the scheme `localhost`, and sent elsewhere.
 *
 * @param env - read for `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_KMS` and the like
 * @throws KeyturnError `aws-endpoint-invalid`
 */
export function requireSchemes(env: NodeJS.ProcessEnv): void {
  if (env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true') return;
  for (const [name, value = ''] of Object.entries(env)) {
    if (!name.startsWith('AWS_ENDPOINT_URL') || value === '' || /^https?:\/\//i.test(value)) continue;
    const fix = `write it with its scheme: https://${value}, or http://${value} for an endpoint on this machine`;
    throw new KeyturnError('aws-endpoint-invalid', { where: name, reason: `${value} has no scheme`, fix });
  }
}
