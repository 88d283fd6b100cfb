/** Where a failed request was sent, and how. */
export interface FailedRoute {
  /** `https://kms.eu-west-1.amazonaws.com`. */
  readonly url: string;
  /** The proxy as `shownProxy` shows it; undefined for a direct connection. */
  readonly proxy?: string | undefined;
  /** The file with the certificates that are trusted; undefined for Node's own list. */
  readonly bundle?: string | undefined;
}

const routes = new WeakMap<object, FailedRoute>();

/** Saves where a failed request was sent, so that the error can name it. */
export function rememberEndpoint(error: unknown, route: FailedRoute): void {
  if (typeof error === 'object' && error !== null) routes.set(error, route);
}

/** The saved route of the error; otherwise the address in the network error; otherwise undefined. */
export function endpointOf(error: unknown): FailedRoute | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const remembered = routes.get(error);
  if (remembered !== undefined) return remembered;
  const { hostname, address, port } = error as { hostname?: string; address?: string; port?: number };
  const host = hostname ?? address;
  if (host === undefined) return undefined;
  return { url: port === undefined ? host : `${host}:${port}` };
}
