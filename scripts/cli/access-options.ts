import { KeyturnError } from '../../lib/errors';
import type { Rotation } from '../../lib/rotation/rotation';
import { awsAccess } from '../../lib/rotation/schema-access';
import { type CommandOption, type OptionValues, text } from './command';

/** How a command reaches AWS that runs before there is a rotation file, or without one. */
export const accessOptions: readonly CommandOption[] = [
  { flags: '--profile <name>', description: 'profile of the shared configuration file; default: AWS_PROFILE' },
  { flags: '--assume-role <arn>', description: 'role to assume with the credentials that are found' },
  { flags: '--external-id <id>', description: 'with --assume-role: what the trust policy of the role asks for' },
];

const FIELDS = { '--profile': 'profile', '--assume-role': 'assumeRole', '--external-id': 'externalId' } as const;

/**
 * What these options give, as `aws:` of a rotation file holds it; undefined: none is given.
 *
 * @throws KeyturnError `usage` for a value that a rotation file does not allow
 */
export function accessFrom(options: OptionValues): Rotation['aws'] {
  const profile = text(options, FIELDS['--profile']);
  const roleArn = text(options, FIELDS['--assume-role']);
  const externalId = text(options, FIELDS['--external-id']);
  if (externalId !== undefined && roleArn === undefined)
    throw usage('--external-id belongs to --assume-role', 'pass both, or omit it');
  const role =
    roleArn === undefined ? {} : { assumeRole: { roleArn, ...(externalId !== undefined && { externalId }) } };
  const access = { ...(profile !== undefined && { profile }), ...role };
  if (Object.keys(access).length === 0) return undefined;
  const { error } = awsAccess.safeParse(access);
  if (error === undefined) return access;
  const wrong = error.issues.map(({ path }) => `aws.${path.join('.')}`).join(', ');
  throw usage(
    `a value of ${Object.keys(FIELDS).join(', ')} is not allowed`,
    `docs/rotation-file.md describes ${wrong}`,
  );
}

const usage = (problem: string, hint: string): KeyturnError => new KeyturnError('usage', { problem, hint });
