/**
 * The version of Terraform's `hashicorp/aws` that both stacks require, exactly: the one that they were tested with, and the one
 * that their bindings were generated from. Other versions read and write buckets by other requests.
 */
export const AWS_PROVIDER_VERSION = '5.100.0';
