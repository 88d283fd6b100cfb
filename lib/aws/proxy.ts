import { BlockList, isIP } from 'node:net';

/** The forward proxy for a request, and the variable that names it. */
export interface ProxyChoice {
  readonly url: URL;
  /** `HTTPS_PROXY`, `https_proxy`, …; for messages. */
  readonly variable: string;
}

/**
 * The proxy of a request by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or undefined for a direct
 * connection. Names in lower case come first, as curl and the AWS CLI have it. Like Terraform, it never sends loopback
 * addresses through a proxy.
 *
 * `NO_PROXY` is a list of `*`, names (which include their subdomains), addresses and CIDR ranges, each but a range with an
 * optional port.
 *
 * @param target - the URL of the request; its path does not matter
 * @throws TypeError if the variable holds no URL of scheme http or https
 */
export function proxyFor(target: URL, env: NodeJS.ProcessEnv): ProxyChoice | undefined {
  const host = hostOf(target);
  if (isLoopback(host) || isExcepted(target, host, env.no_proxy ?? env.NO_PROXY ?? '')) return undefined;
  const scheme = target.protocol === 'http:' ? 'http_proxy' : 'https_proxy';
  const names = [scheme, scheme.toUpperCase(), 'all_proxy', 'ALL_PROXY'];
  const variable = names.find((name) => env[name]);
  if (variable === undefined) return undefined;
  return { url: proxyUrl(variable, env[variable] ?? ''), variable };
}

function proxyUrl(variable: string, value: string): URL {
  const text = value.includes('://') ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new TypeError(`${variable} does not name a proxy by an http or https URL`);
  }
  return url;
}

/** The proxy as messages may show it: without its user and password. */
export function shownProxy({ url, variable }: ProxyChoice): string {
  return `${variable} (${url.protocol}//${url.host})`;
}

/** True for `localhost`, its subdomains, and loopback addresses. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const family = isIP(host);
  return family !== 0 && LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Host without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').toLowerCase();
}

function isExcepted(target: URL, host: string, list: string): boolean {
  const port = target.port || (target.protocol === 'http:' ? '80' : '443');
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => entry === '*' || matches(entry.toLowerCase(), host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry.includes('/')) return inRange(entry, host);
  const [, name = entry, ofPort] = /^(\[.+\]|[^:]+)(?::(\d+))?$/.exec(entry) ?? [];
  if (ofPort !== undefined && ofPort !== port) return false;
  const wanted = name.replace(/^\[|\]$/g, '').replace(/^\*?\./, '');
  return host === wanted || (isIP(host) === 0 && host.endsWith(`.${wanted}`));
}

function inRange(entry: string, host: string): boolean {
  const [network = '', bits = ''] = entry.split('/');
  const family = isIP(network);
  if (family === 0 || family !== isIP(host) || !/^\d+$/.test(bits) || Number(bits) > (family === 6 ? 128 : 32))
    return false;
  const range = new BlockList();
  range.addSubnet(network, Number(bits), family === 6 ? 'ipv6' : 'ipv4');
  return range.check(host, family === 6 ? 'ipv6' : 'ipv4');
}
