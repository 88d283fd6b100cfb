const urls = new WeakMap<object, string>();

/** Remembers which URL a failed request went to, so that the error shown to a person can name it. */
export function rememberEndpoint(error: unknown, url: string): void {
  if (typeof error === 'object' && error !== null) urls.set(error, url);
}

/** The URL that was remembered for the error; otherwise what the network error itself tells; otherwise undefined. */
export function endpointOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const remembered = urls.get(error);
  if (remembered !== undefined) return remembered;
  const { hostname, address, port } = error as { hostname?: string; address?: string; port?: number };
  const host = hostname ?? address;
  if (host === undefined) return undefined;
  return port === undefined ? host : `${host}:${port}`;
}
