/**
 * The environment of a Terraform process.
 *
 * Terraform and the AWS provider live for seconds and first load the schema of every AWS resource; with Go's default they
 * collect garbage for a third of their CPU time. `GOGC` of the caller's own wins.
 *
 * An endpoint on this machine is also its own proxy: the provider sends S3 Control to `<account>.<host>`, a name that no
 * resolver knows, and Go asks a proxy for every name that is not loopback.
 *
 * @param env - the caller's; its `TF_DATA_DIR` would make both stacks share one data directory, so it is left out
 * @param cliConfiguration - the CLI configuration to run with; undefined leaves it to Terraform
 */
export function terraformEnvironment(env: NodeJS.ProcessEnv, cliConfiguration: string | undefined): NodeJS.ProcessEnv {
  const { TF_DATA_DIR: _shared, TF_CLI_CONFIG_FILE: _configured, ...rest } = env;
  return {
    GOGC: '800',
    ...rest,
    ...proxyOfLoopback(rest),
    ...(cliConfiguration === undefined ? {} : { TF_CLI_CONFIG_FILE: cliConfiguration }),
    TF_IN_AUTOMATION: '1',
    CHECKPOINT_DISABLE: '1',
  };
}

/** Proxy variables for an `http` endpoint on loopback; nothing for any other. `https` requests keep their proxy. */
function proxyOfLoopback(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const endpoint = env.AWS_ENDPOINT_URL_S3_CONTROL || env.AWS_ENDPOINT_URL || '';
  if (!URL.canParse(endpoint)) return {};
  const { protocol, hostname, origin } = new URL(endpoint);
  if (protocol !== 'http:' || !LOOPBACK.test(hostname)) return {};
  return { HTTP_PROXY: origin, http_proxy: origin };
}

/** A host as URL has it: addresses are in their canonical form. */
const LOOPBACK = /^((.+\.)?localhost|127(\.\d{1,3}){3}|\[::1\])$/;
