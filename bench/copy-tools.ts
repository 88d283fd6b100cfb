import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Contest, tool } from './contest';

const NEW = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000b';
const ENCRYPTION = ['--sse', 'aws:kms', '--sse-kms-key-id', NEW];

/** A tool that copies objects onto themselves under the new key: what people do today. */
interface Tool {
  readonly name: string;
  readonly command: string;
  readonly args: (url: string) => readonly string[];
  readonly environment?: (url: string) => Readonly<Record<string, string>>;
}

const TOOLS: readonly Tool[] = [
  {
    name: 'aws s3 cp --recursive',
    command: 'aws',
    args: (url) => {
      const copy = ['s3', 'cp', 's3://b/', 's3://b/', '--recursive', '--only-show-errors'];
      return ['--endpoint-url', url, ...copy, ...ENCRYPTION];
    },
  },
  {
    name: 's5cmd cp',
    command: 's5cmd',
    args: (url) => {
      const [kind = '', algorithm = '', option = '', key = ''] = ENCRYPTION;
      return ['--endpoint-url', url, 'cp', kind, algorithm, option, key, 's3://b/*', 's3://b/'];
    },
  },
  {
    name: 'rclone copy',
    command: 'rclone',
    args: () => ['copy', 'stub:b', 'stub:b', '--ignore-times', '--transfers', '64', '--checkers', '64'],
    // As a remote in the environment: `rclone` refuses some settings of a backend that is configured by its name alone.
    environment: (url) => ({
      RCLONE_CONFIG_STUB_TYPE: 's3',
      RCLONE_CONFIG_STUB_PROVIDER: 'AWS',
      RCLONE_CONFIG_STUB_ENV_AUTH: 'true',
      RCLONE_CONFIG_STUB_ENDPOINT: url,
      RCLONE_CONFIG_STUB_SERVER_SIDE_ENCRYPTION: 'aws:kms',
      RCLONE_CONFIG_STUB_SSE_KMS_KEY_ID: NEW,
    }),
  },
];

/** Rows of the tools that are on PATH. None of them verifies, inspects a key, or sees versions that are not the latest. */
export function toolContests(objects: number, latency: number): readonly Contest[] {
  return TOOLS.filter((one) => isOnPath(one.command)).map(({ name, command, args, environment }) => ({
    id: command,
    name: `${name}, copy alone, nothing verified`,
    setup: { objects, latency },
    run: (url) => tool(command, args(url), environment?.(url) ?? {}, objects),
  }));
}

/** Tools that are not on PATH. */
export function missingTools(): readonly string[] {
  return TOOLS.filter((one) => !isOnPath(one.command)).map((one) => one.command);
}

function isOnPath(command: string): boolean {
  return (process.env.PATH ?? '').split(path.delimiter).some((one) => existsSync(path.join(one, command)));
}
