import { access } from './access';
import { apply } from './apply';
import { blocked } from './blocked';
import type { CommandDefinition } from './cli/command';
import { doctor } from './doctor';
import { drift } from './drift';
import { drill } from './drill';
import { extend } from './extend';
import { job } from './job';
import { keygen } from './keygen';
import { localAws } from './local-aws';
import { material } from './material';
import { plan } from './plan';
import { policy } from './policy';
import { postApply } from './post-apply';
import { preApply } from './pre-apply';
import { propose } from './propose';
import { rehearse } from './rehearse';
import { report } from './report';
import { reviewPlan } from './review-plan';
import { rollback } from './rollback';
import { rotate } from './rotate';
import { status } from './status';
import { stragglers } from './stragglers';
import { verifyEvidence } from './verify-evidence';
import { waivers } from './waivers';
import { watch } from './watch';

/** Every command, in the order of `--help`: the most common ones first. */
export const commands: readonly CommandDefinition[] = [
  rehearse,
  doctor,
  status,
  propose,
  rotate,
  preApply,
  postApply,
  access,
  stragglers,
  watch,
  blocked,
  job,
  plan,
  reviewPlan,
  drift,
  apply,
  rollback,
  material,
  extend,
  drill,
  keygen,
  policy,
  verifyEvidence,
  report,
  waivers,
  localAws,
];
