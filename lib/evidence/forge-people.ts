/** Who proposed, approved and started a run, as the forge gives it to the job. */

/** A variable that nobody set. */
export const NOT_GIVEN = 'not given';

/** People and place of a run, by the variables of its job; whatever is unknown is `not given`. */
export interface ForgePeople {
  /** `github`, `gitlab`, `atlantis`, or `not given`. */
  readonly forge: string;
  readonly proposer: string;
  /** Several are separated by commas. */
  readonly approver: string;
  /** Who started the job. */
  readonly actor: string;
  readonly runUrl: string;
  /** The commit that the forge ran. */
  readonly commit: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A longer value is no name and no address. */
const MOST_CHARACTERS = 512;

/**
 * Reads the variables of the job. `KEYTURN_PROPOSER`, `KEYTURN_APPROVER`, `KEYTURN_ACTOR`, `KEYTURN_RUN_URL` and
 * `KEYTURN_COMMIT` come before those of a forge. The environment of a job can say anything: the audit log of the forge
 * confirms it.
 *
 * @see docs/evidence.md, "Who"
 */
export function forgePeople(env: Environment): ForgePeople {
  const [forge, given] = forgeOf(env);
  const value = (name: string, ofForge: string | undefined): string => {
    const found = env[`KEYTURN_${name}`] || ofForge;
    return found && found.length <= MOST_CHARACTERS && !/[\p{Cc}\p{Cf}]/u.test(found) ? found : NOT_GIVEN;
  };
  return {
    forge,
    proposer: value('PROPOSER', given.proposer),
    approver: value('APPROVER', undefined),
    actor: value('ACTOR', given.actor),
    runUrl: value('RUN_URL', given.runUrl),
    commit: value('COMMIT', given.commit),
  };
}

type Given = Readonly<Partial<Record<'proposer' | 'actor' | 'runUrl' | 'commit', string | undefined>>>;

function forgeOf(env: Environment): readonly [string, Given] {
  if (env.GITHUB_ACTIONS === 'true') {
    const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
    const attempt = env.GITHUB_RUN_ATTEMPT ? `/attempts/${env.GITHUB_RUN_ATTEMPT}` : '';
    const runUrl = server && repository && run ? `${server}/${repository}/actions/runs/${run}${attempt}` : undefined;
    return ['github', { actor: env.GITHUB_TRIGGERING_ACTOR || env.GITHUB_ACTOR, runUrl, commit: env.GITHUB_SHA }];
  }
  if (env.GITLAB_CI === 'true')
    return ['gitlab', { actor: env.GITLAB_USER_LOGIN, runUrl: env.CI_JOB_URL, commit: env.CI_COMMIT_SHA }];
  if (env.ATLANTIS_TERRAFORM_VERSION)
    return [
      'atlantis',
      { proposer: env.PULL_AUTHOR, actor: env.USER_NAME, runUrl: env.PULL_URL, commit: env.HEAD_COMMIT },
    ];
  return [NOT_GIVEN, {}];
}
