import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { loadConfig } from '@smithy/core/config';
import { KeyturnError } from '../errors';

/** Certificates to trust. */
export interface Authorities {
  /** The file that was named. */
  readonly file: string;
  /** Its certificates as PEM. */
  readonly pem: string;
}

/**
 * The certificates of `AWS_CA_BUNDLE`, or of `ca_bundle` in the profile, that TLS trusts instead of Node's own list, as
 * the AWS CLI and the AWS provider have it. Undefined where neither is set: then Node's list holds. Node adds
 * `NODE_EXTRA_CA_CERTS` to its own list only, so they are added here too.
 *
 * @param extra - the file that `NODE_EXTRA_CA_CERTS` names; left out if it cannot be read, as Node does
 * @throws KeyturnError `aws-ca-bundle-unreadable` if the file is missing, or holds something else than certificates
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html
 */
export async function trustedAuthorities(extra?: string): Promise<Authorities | undefined> {
  const file = await bundleFile();
  if (file === undefined) return undefined;
  try {
    const bundle = await readFile(file, 'utf8');
    const certificates = bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
    if (certificates.length === 0) throw new TypeError('it holds no PEM certificate');
    for (const certificate of certificates) new X509Certificate(certificate);
    const added = extra ? await readFile(extra, 'utf8').catch(() => '') : '';
    return { file, pem: [...certificates, added].join('\n') };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KeyturnError('aws-ca-bundle-unreadable', { file, reason }, error);
  }
}

/** The SDK for JavaScript does not read these two settings itself. */
async function bundleFile(): Promise<string | undefined> {
  const file = await loadConfig<string>({
    environmentVariableSelector: (env) => env.AWS_CA_BUNDLE || undefined,
    configFileSelector: (profile) => profile.ca_bundle || undefined,
    default: '',
  })();
  return file === '' ? undefined : file;
}
