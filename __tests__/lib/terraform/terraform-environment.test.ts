import { terraformEnvironment } from '../../../lib/terraform/terraform-environment';

const proxies = (env: NodeJS.ProcessEnv) => {
  const { HTTP_PROXY, http_proxy, HTTPS_PROXY } = terraformEnvironment(env, undefined);
  return { HTTP_PROXY, http_proxy, HTTPS_PROXY };
};

it.each([
  'http://127.0.0.1:4566',
  'http://127.9.9.9:1',
  'http://[::1]:4566',
  'http://localhost:80',
  'http://s3.localhost:1',
])('takes %s as the proxy of plain http, since account hosts under it have no address', (endpoint) => {
  const origin = new URL(endpoint).origin;
  expect(proxies({ AWS_ENDPOINT_URL: endpoint, HTTP_PROXY: 'http://other:1', HTTPS_PROXY: 'http://other:1' })).toEqual({
    HTTP_PROXY: origin,
    http_proxy: origin,
    HTTPS_PROXY: 'http://other:1',
  });
});

it.each([undefined, '', 'no url', 'https://127.0.0.1:4566', 'http://127.example.com', 'http://minio.example:9000'])(
  'leaves the proxies to the caller for the endpoint %s',
  (endpoint) => {
    expect(proxies({ AWS_ENDPOINT_URL: endpoint, HTTP_PROXY: 'http://other:1' })).toEqual({
      HTTP_PROXY: 'http://other:1',
      http_proxy: undefined,
      HTTPS_PROXY: undefined,
    });
  },
);

it("goes by S3 Control's own endpoint where it is given", () => {
  const own = { AWS_ENDPOINT_URL: 'https://s3.example', AWS_ENDPOINT_URL_S3_CONTROL: 'http://127.0.0.1:9' };
  expect(proxies(own).HTTP_PROXY).toBe('http://127.0.0.1:9');
});
