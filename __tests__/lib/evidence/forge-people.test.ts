import { forgePeople, NOT_GIVEN } from '../../../lib/evidence/forge-people';

const nobody = {
  forge: NOT_GIVEN,
  proposer: NOT_GIVEN,
  approver: NOT_GIVEN,
  actor: NOT_GIVEN,
  runUrl: NOT_GIVEN,
  commit: NOT_GIVEN,
};
const SHA = 'c'.repeat(40);

it('says that nobody is given outside of a job', () => {
  expect(forgePeople({ USER: 'root', GITHUB_ACTOR: 'left over' })).toEqual(nobody);
});

it.each([
  [
    'github',
    {
      GITHUB_ACTIONS: 'true',
      GITHUB_ACTOR: 'ann',
      GITHUB_TRIGGERING_ACTOR: 'bob',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_RUN_ID: '7',
      GITHUB_RUN_ATTEMPT: '2',
      GITHUB_SHA: SHA,
    },
    { actor: 'bob', runUrl: 'https://github.com/o/r/actions/runs/7/attempts/2', commit: SHA },
  ],
  [
    'gitlab',
    { GITLAB_CI: 'true', GITLAB_USER_LOGIN: 'ann', CI_JOB_URL: 'https://gitlab/j/7', CI_COMMIT_SHA: SHA },
    { actor: 'ann', runUrl: 'https://gitlab/j/7', commit: SHA },
  ],
  [
    'atlantis',
    {
      ATLANTIS_TERRAFORM_VERSION: '1.11.4',
      PULL_AUTHOR: 'ann',
      USER_NAME: 'bob',
      PULL_URL: 'https://github.com/o/r/pull/7',
      HEAD_COMMIT: SHA,
    },
    { proposer: 'ann', actor: 'bob', runUrl: 'https://github.com/o/r/pull/7', commit: SHA },
  ],
])('takes what %s gives, and nothing else', (forge, env, given) => {
  expect(forgePeople(env)).toEqual({ ...nobody, forge, ...given });
});

it('takes what the pipeline names before what the forge does', () => {
  const env = { GITLAB_CI: 'true', GITLAB_USER_LOGIN: 'bot', KEYTURN_ACTOR: 'ann', KEYTURN_APPROVER: 'bob,eve' };
  expect(forgePeople({ ...env, KEYTURN_PROPOSER: '' })).toMatchObject({
    actor: 'ann',
    approver: 'bob,eve',
    proposer: NOT_GIVEN,
  });
});

it('refuses as a name what is too long, or steers a terminal', () => {
  const env = { KEYTURN_ACTOR: 'a'.repeat(513), KEYTURN_APPROVER: 'a\u001b[2J', KEYTURN_PROPOSER: 'a\u202eb' };
  expect(forgePeople(env)).toEqual(nobody);
});
