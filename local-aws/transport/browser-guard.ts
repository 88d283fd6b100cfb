/** The parts of a request that tell whether a web page sent it. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Why a request may come from a web page, or undefined for one that cannot. The default access key is public, so a page
 * whose own name leads to loopback (DNS rebinding) could otherwise use the endpoint through its reader's browser.
 *
 * @param host - the `Host` header, with or without a port
 */
export function fromBrowser(headers: Headers, host: string): string | undefined {
  const sent = BROWSER_HEADERS.find((name) => headers[name] !== undefined);
  if (sent !== undefined) return `it has the header ${sent}, which only browsers send`;
  return isOwnName(nameOf(host)) ? undefined : `its Host is ${host}`;
}

/** Node's own fetch sends `sec-fetch-mode` too. */
const BROWSER_HEADERS = ['origin', 'sec-fetch-site'];

function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[|\]$/g, '');
}

/**
 * Names under which no web page can stand: AWS's own, reserved top-level domains (RFC 6761), names without a dot, as
 * containers have, and loopback. Loopback may have a label before it (buckets, accounts).
 */
function isOwnName(name: string): boolean {
  if (name === '' || name === '::1' || !name.includes('.')) return true;
  return [/^([a-z0-9.-]+\.)?127(\.\d{1,3}){3}$/, /\.(localhost|test|invalid)$/, /\.amazonaws\.com(\.cn)?$/].some(
    (own) => own.test(name),
  );
}
