/** The principals inside a rotation file: who uses and administers the keys. */
import { z } from 'zod';
import { field } from './field-messages';
import { SERVICE_PRINCIPAL } from './key-services';

const PRINCIPAL_ARN =
  /^arn:aws(?:-[a-z]+)*:(?:iam::\d{12}:(?:root|(?:user|role)\/[\w+=,.@/-]+)|sts::\d{12}:assumed-role\/[\w+=,.@-]+\/[\w+=,.@-]+)$/;
/** `aws:PrincipalArn` is the role of an assumed role, never its session, so a session named here would never match. */
const STANDING_PRINCIPAL_ARN = /^arn:aws(?:-[a-z]+)*:iam::\d{12}:(?:root|(?:user|role)\/[\w+=,.@/-]+)$/;

const ANY_PRINCIPAL = [
  z.string().regex(PRINCIPAL_ARN),
  'the ARN of an IAM user, role, assumed role or account root, without wildcards',
] as const;
export const STANDING_PRINCIPAL = [
  z.string().regex(STANDING_PRINCIPAL_ARN),
  'the ARN of an IAM user, role or account root, without wildcards; not of a session of a role',
] as const;

export const principals = (who: string, [schema, allowed]: readonly [z.ZodString, string] = ANY_PRINCIPAL) =>
  field(
    z
      .array(
        field(
          schema,
          'ARN of an IAM principal.',
          allowed,
          'write the full ARN, such as arn:aws:iam::111122223333:role/name',
        ),
      )
      .default([]),
    who,
    'a list of IAM principal ARNs',
    'write a list, [] for none',
  );

/** Wildcards stand in the last part alone, so that service, Region and account are named. */
const SOURCE_ARN = /^arn:aws(?:-[a-z]+)*:[a-z0-9-]+:[a-z0-9-]*:(?:\d{12})?:[^\s"]+$/;

/** An AWS service that reads or writes the objects by its own principal. */
export const servicePrincipal = z.strictObject({
  service: field(
    z.string().regex(SERVICE_PRINCIPAL),
    'The principal of an AWS service that reads or writes objects under the keys, such as delivery.logs.amazonaws.com.',
    'the principal of an AWS service, as its documentation names it: name.amazonaws.com',
    'write a principal such as delivery.logs.amazonaws.com',
  ),
  sourceArns: field(
    z
      .array(
        field(
          z.string().regex(SOURCE_ARN),
          'ARN, with * in its last part, of what the service acts for.',
          'an ARN with service and partition, such as arn:aws:logs:eu-central-1:111122223333:*',
          'write the ARN of the log source, trail, distribution or bucket',
        ),
      )
      .default([]),
    'What the service must act for (aws:SourceArn).',
    'a list of ARNs',
    'write a list of ARNs',
  ),
  sourceAccounts: field(
    z
      .array(
        field(z.string().regex(/^\d{12}$/), 'Account id.', '12 digits, in quotes', 'write the account id in quotes'),
      )
      .default([]),
    'The accounts that the service must act for (aws:SourceAccount). Default: the account of the rotation.',
    'a list of account ids',
    'write a list of account ids in quotes',
  ),
});
