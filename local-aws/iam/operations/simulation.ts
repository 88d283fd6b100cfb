import { lookup, type RequestContext } from '../context';
import type { Statement } from '../document';
import { type Weighed, weigh } from '../evaluate';
import { IamFault, noSuchEntity } from '../fault';
import { type Account, operation } from '../operation';
import { contextEntries, required, text, texts } from '../parameters';
import { boundaryOf, type Group, policiesOf, type User } from '../state/identities';
import type { Role } from '../state/role';

type Source = Group | User | Role;

/** The policies of an identity, its boundary, and those of the organization, for one resource; no policy of a resource takes part. */
export const simulationOperations = {
  SimulatePrincipalPolicy: operation(
    {
      PolicySourceArn: required(text({ min: 20, max: 2048 })),
      ActionNames: texts,
      ResourceArns: texts,
      ContextEntries: contextEntries,
    },
    (account, { PolicySourceArn, ActionNames, ResourceArns, ContextEntries }) => {
      const [resource = '*', ...more] = ResourceArns;
      if (more.length > 0)
        throw new IamFault('ValidationError', 400, 'This endpoint simulates one resource at a time.');
      const source = sourceOf(account, PolicySourceArn);
      const EvaluationResults = ActionNames.map((action) =>
        simulated(account, source, { action, resource, given: ContextEntries }),
      );
      return { EvaluationResults, IsTruncated: false };
    },
  ),
};

function sourceOf({ users, groups, roles }: Account, arn: string): Source {
  const found = [users, groups, roles]
    .flatMap((all): readonly Source[] => [...all.values()])
    .find((one) => one.arn === arn);
  if (found === undefined) throw noSuchEntity(`The policy source ${arn} cannot be found.`);
  return found;
}

interface Asked {
  readonly action: string;
  readonly resource: string;
  readonly given: RequestContext;
}

function simulated(account: Account, source: Source, { action, resource, given }: Asked) {
  const context = lookup(given);
  const attached = policiesOf(source, account).flatMap(({ statements }) => statements);
  const boundary = 'boundary' in source ? boundaryOf(source, account) : undefined;
  const weighed = (statements: readonly Statement[] | undefined): Weighed | undefined =>
    statements && weigh(statements, { action, resource, context });
  const [own, bound, organization] = [weighed(attached), weighed(boundary), weighed(account.organization.statements)];
  const all = [own, bound, organization].flatMap((one) => one ?? []);
  const allows = (one: Weighed): boolean => one.denies === undefined && one.allows !== undefined;
  const isDenied = all.some(({ denies }) => denies !== undefined);
  return {
    EvalActionName: action,
    EvalResourceName: resource,
    EvalDecision: isDenied ? 'explicitDeny' : all.every(allows) ? 'allowed' : 'implicitDeny',
    MatchedStatements: [],
    MissingContextValues: missing([...attached, ...(boundary ?? [])], context),
    PermissionsBoundaryDecisionDetail: bound && { AllowedByPermissionsBoundary: allows(bound) },
    OrganizationsDecisionDetail: organization && { AllowedByOrganizations: allows(organization) },
  };
}

/** The condition keys that the policies ask for, and that were not given. */
function missing(statements: readonly Statement[], context: ReturnType<typeof lookup>): readonly string[] {
  const keys = statements.flatMap(({ conditions }) => conditions.map(({ key }) => key));
  return [...new Set(keys)].filter((key) => context(key) === undefined);
}
