const urls = new WeakMap<object, string>();

/** Saves the URL of a failed request, so that the error can name it. */
export function rememberEndpoint(error: unknown, url: string): void {
  if (typeof error === 'object' && error !== null) urls.set(error, url);
}

/** The saved URL of the error; otherwise the address in the network error; otherwise undefined. */
export function endpointOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const remembered = urls.get(error);
  if (remembered !== undefined) return remembered;
  const { hostname, address, port } = error as { hostname?: string; address?: string; port?: number };
  const host = hostname ?? address;
  if (host === undefined) return undefined;
  return port === undefined ? host : `${host}:${port}`;
}
