import { isLoopback, proxyFor, shownProxy } from '../../../lib/aws/proxy';

const PROXY = 'http://proxy.corp:3128';

test.each([
  [{ HTTPS_PROXY: PROXY }, 'https://kms.eu-west-1.amazonaws.com', 'HTTPS_PROXY'],
  [{ https_proxy: PROXY, HTTPS_PROXY: 'http://other:1' }, 'https://kms.eu-west-1.amazonaws.com', 'https_proxy'],
  [{ HTTP_PROXY: PROXY }, 'http://aws.invalid:4650', 'HTTP_PROXY'],
  [{ HTTP_PROXY: PROXY }, 'https://kms.eu-west-1.amazonaws.com', undefined],
  [{ HTTPS_PROXY: PROXY }, 'http://aws.invalid:4650', undefined],
  [{ ALL_PROXY: PROXY }, 'http://aws.invalid:4650', 'ALL_PROXY'],
  [{ HTTPS_PROXY: '' }, 'https://kms.eu-west-1.amazonaws.com', undefined],
  [{ HTTPS_PROXY: 'proxy.corp:3128' }, 'https://kms.eu-west-1.amazonaws.com', 'HTTPS_PROXY'],
  [{ HTTP_PROXY: PROXY }, 'http://127.0.0.1:4566', undefined],
  [{ HTTP_PROXY: PROXY }, 'http://localhost:4566', undefined],
  [{ HTTP_PROXY: PROXY }, 'http://[::1]:4566', undefined],
  [{}, 'https://kms.eu-west-1.amazonaws.com', undefined],
])('with %j, %s goes through the proxy of %s', (env: NodeJS.ProcessEnv, target, variable) => {
  const choice = proxyFor(new URL(target), env);
  expect(choice?.variable).toBe(variable);
  if (variable !== undefined) expect(choice?.url.href).toBe(`${PROXY}/`);
});

test.each([
  ['*', true],
  ['amazonaws.com', true],
  ['.amazonaws.com', true],
  ['*.amazonaws.com', true],
  ['zonaws.com', false],
  ['KMS.EU-WEST-1.AMAZONAWS.COM', true],
  ['other, kms.eu-west-1.amazonaws.com:443', true],
  ['kms.eu-west-1.amazonaws.com:8443', false],
  ['10.0.0.0/8', false],
  ['', false],
])('NO_PROXY=%s: a direct connection to KMS is %s', (list, direct) => {
  const env = { HTTPS_PROXY: PROXY, NO_PROXY: list };
  expect(proxyFor(new URL('https://kms.eu-west-1.amazonaws.com'), env) === undefined).toBe(direct);
});

test.each([
  ['10.0.0.0/8', 'https://10.1.2.3', true],
  ['10.0.0.0/8', 'https://11.1.2.3', false],
  ['10.1.2.3', 'https://10.1.2.3:8443', true],
  ['10.1.2.3:8443', 'https://10.1.2.3', false],
  ['2.3', 'https://10.1.2.3', false],
  ['fd00::/8', 'https://[fd00::1]', true],
  ['[fd00::1]:443', 'https://[fd00::1]', true],
  ['10.0.0.0/99', 'https://10.1.2.3', false],
  ['10.0.0.0/8', 'https://[fd00::1]', false],
])('NO_PROXY=%s: a direct connection to %s is %s', (list, target, direct) => {
  expect(proxyFor(new URL(target), { HTTPS_PROXY: PROXY, no_proxy: list }) === undefined).toBe(direct);
});

test('the shown proxy has no password', () => {
  const choice = proxyFor(new URL('https://a.test'), { HTTPS_PROXY: 'http://ann:secret@proxy.corp:3128' });
  expect(choice && shownProxy(choice)).toBe('HTTPS_PROXY (http://proxy.corp:3128)');
});

test.each(['socks5://proxy:1080', 'ftp://proxy', 'http://'])('refuses the proxy %s', (value) => {
  expect(() => proxyFor(new URL('https://a.test'), { HTTPS_PROXY: value })).toThrow(
    'HTTPS_PROXY does not name a proxy',
  );
});

test.each([
  ['127.8.9.1', true],
  ['app.localhost', true],
  ['::1', true],
  ['128.0.0.1', false],
  ['localhost.evil.test', false],
])('loopback: %s is %s', (host, loopback) => {
  expect(isLoopback(host)).toBe(loopback);
});
