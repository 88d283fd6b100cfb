import type { ListedCommand } from './cli/command';

/**
 * Every command, in the order of `--help`: the most common ones first. A command is loaded when it is called: what it stands on
 * takes longer to load than most commands take to answer.
 */
export const commands: readonly ListedCommand[] = [
  {
    name: 'rehearse',
    summary: 'run a complete rotation on this machine, with real Terraform and without an AWS account',
    load: () => (require('./rehearse') as typeof import('./rehearse')).rehearse,
  },
  {
    name: 'init',
    summary: 'write a rotation file, a CDKTF program and a pipeline into this repository',
    load: () => (require('./init') as typeof import('./init')).init,
  },
  {
    name: 'doctor',
    summary: 'check Node, Terraform, provider, credentials, account and the permissions of the rotation',
    load: () => (require('./doctor') as typeof import('./doctor')).doctor,
  },
  {
    name: 'status',
    summary: 'show versions, key states, expiry, the targets of alias and buckets, and the next step',
    load: () => (require('./status') as typeof import('./status')).status,
  },
  {
    name: 'adopt',
    summary: 'write the rotation file for a key, an alias and buckets that exist already',
    load: () => (require('./adopt') as typeof import('./adopt')).adopt,
  },
  {
    name: 'propose',
    summary: 'edit the rotation file for one phase of a rotation, and write the text of the pull request',
    load: () => (require('./propose') as typeof import('./propose')).propose,
  },
  {
    name: 'rotate',
    summary: 'run all steps of a rotation in order, as the rotation file declares it',
    load: () => (require('./rotate') as typeof import('./rotate')).rotate,
  },
  {
    name: 'pre-apply',
    summary: 'generate, wrap and import key material for every version that is PendingImport',
    load: () => (require('./pre-apply') as typeof import('./pre-apply')).preApply,
  },
  {
    name: 'post-apply',
    summary: 're-encrypt the objects, verify them, and retire superseded versions if the gate allows it',
    load: () => (require('./post-apply') as typeof import('./post-apply')).postApply,
  },
  {
    name: 'access',
    summary: 'list who may use the old key and not the new one, before the switch',
    load: () => (require('./access') as typeof import('./access')).access,
  },
  {
    name: 'stragglers',
    summary: 'list object versions and open uploads that are not under the active version',
    load: () => (require('./stragglers') as typeof import('./stragglers')).stragglers,
  },
  {
    name: 'watch',
    summary: 'find who fails because a key was disabled, and enable it again if told to',
    load: () => (require('./watch') as typeof import('./watch')).watch,
  },
  {
    name: 'blocked',
    summary: 'list object versions that cannot be moved now, with the reason and the earliest possible date',
    load: () => (require('./blocked') as typeof import('./blocked')).blocked,
  },
  {
    name: 'job',
    summary: 'show, pause, resume or cancel the jobs of S3 Batch Operations of this rotation',
    load: () => (require('./job') as typeof import('./job')).job,
  },
  {
    name: 'plan',
    summary: 'plan both stacks and save the plans, their JSON, the review and the planned jobs in a directory',
    load: () => (require('./plan') as typeof import('./plan')).plan,
  },
  {
    name: 'review-plan',
    summary: 'compare plans with what the rotation file implies, and report what they do',
    load: () => (require('./review-plan') as typeof import('./review-plan')).reviewPlan,
  },
  {
    name: 'drift',
    summary: 'compare AWS with what both stacks declare, and show every difference with its values',
    load: () => (require('./drift') as typeof import('./drift')).drift,
  },
  {
    name: 'apply',
    summary: 'apply exactly the plans that `plan` saved, unless something has changed since',
    load: () => (require('./apply') as typeof import('./apply')).apply,
  },
  {
    name: 'rollback',
    summary: 'enable the previous version and make it active again',
    load: () => (require('./rollback') as typeof import('./rollback')).rollback,
  },
  {
    name: 'material',
    summary: 'import key material from a machine without AWS access, or put material from a file into custody',
    load: () => (require('./material') as typeof import('./material')).material,
  },
  {
    name: 'extend',
    summary: 'extend the expiry of the material of a version, even if it has expired',
    load: () => (require('./extend') as typeof import('./extend')).extend,
  },
  {
    name: 'drill',
    summary: 'prove that custody holds the material of the keys',
    load: () => (require('./drill') as typeof import('./drill')).drill,
  },
  {
    name: 'leave',
    summary: 'print what takes a rotation out of Terraform again, with nothing destroyed',
    load: () => (require('./leave') as typeof import('./leave')).leave,
  },
  {
    name: 'keygen',
    summary: 'create an age identity for custody',
    load: () => (require('./keygen') as typeof import('./keygen')).keygen,
  },
  {
    name: 'policy',
    summary: 'print the least-privilege IAM policy of a command',
    load: () => (require('./policy') as typeof import('./policy')).policy,
  },
  {
    name: 'verify-evidence',
    summary: 'check evidence offline: every hash, every link between runs, every end of a run',
    load: () => (require('./verify-evidence') as typeof import('./verify-evidence')).verifyEvidence,
  },
  {
    name: 'report',
    summary: 'create an HTML report from evidence, for reviewers',
    load: () => (require('./report') as typeof import('./report')).report,
  },
  {
    name: 'waivers',
    summary: 'print exceptions for scanners that demand automatic rotation of imported keys',
    load: () => (require('./waivers') as typeof import('./waivers')).waivers,
  },
  {
    name: 'local-aws',
    summary: 'start the embedded AWS endpoint: KMS, S3, IAM, STS and CloudTrail on this machine',
    load: () => (require('./local-aws') as typeof import('./local-aws')).localAws,
  },
  {
    name: 'confirm',
    summary: 'ask AWS, in a sandbox account, what its documentation leaves open',
    load: () => (require('./confirm') as typeof import('./confirm')).confirm,
  },
];
