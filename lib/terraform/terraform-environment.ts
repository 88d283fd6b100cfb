/**
 * The environment of a Terraform process.
 *
 * Terraform and the AWS provider live for seconds and first load the schema of every AWS resource; with Go's default they
 * collect garbage for a third of their CPU time. `GOGC` of the caller's own wins.
 *
 * @param env - the caller's; its `TF_DATA_DIR` would make both stacks share one data directory, so it is left out
 * @param cliConfiguration - the CLI configuration to run with; undefined leaves it to Terraform
 */
export function terraformEnvironment(env: NodeJS.ProcessEnv, cliConfiguration: string | undefined): NodeJS.ProcessEnv {
  const { TF_DATA_DIR: _shared, TF_CLI_CONFIG_FILE: _configured, ...rest } = env;
  return {
    GOGC: '800',
    ...rest,
    ...(cliConfiguration === undefined ? {} : { TF_CLI_CONFIG_FILE: cliConfiguration }),
    TF_IN_AUTOMATION: '1',
    CHECKPOINT_DISABLE: '1',
  };
}
