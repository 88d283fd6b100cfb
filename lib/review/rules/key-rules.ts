import path from 'node:path';
import { UTC_TIME } from '../../rotation/field-messages';
import type { PlannedChange } from '../plan-document';
import { text } from '../plan-values';
import { words } from '../review-messages';
import type { ReviewRule, RuleContext, Sighting } from '../review-rule';

const KEY = /^aws_kms_(external_key|key|replica_key|replica_external_key|custom_key_store)$/;

const keys = ({ plan }: RuleContext): readonly PlannedChange[] =>
  plan.changes.filter((change) => change.mode === 'managed' && KEY.test(change.type));

const destroyed: ReviewRule = {
  id: 'KT001',
  title: 'a key is destroyed or replaced',
  severity: 'error',
  why: 'Terraform schedules the deletion of the key. Once it is deleted, every object under it is lost for ever; the material does not restore it.',
  next: 'Keep the version in the rotation file and let post-apply disable it; Keyturn never deletes a key.',
  waivable: false,
  look: (context) =>
    keys(context)
      .filter((change) => change.action === 'delete' || change.action === 'replace')
      .map(({ address, action, before }) => ({
        address,
        message: words`key ${text(before?.arn) ?? address} is ${action === 'delete' ? words`destroyed` : words`destroyed and created again`}`,
      })),
};

const forgotten: ReviewRule = {
  id: 'KT002',
  title: 'Terraform no longer manages a key',
  severity: 'error',
  why: 'No prevent_destroy protects a key outside of the state, and no plan shows changes to it.',
  next: 'Delete the removed block. If another state takes the key over, waive this finding with that reason.',
  waivable: true,
  look: (context) =>
    keys(context)
      .filter((change) => change.action === 'forget')
      .map(({ address, before }) => ({
        address,
        message: words`key ${text(before?.arn) ?? address} is no longer managed`,
      })),
};

/** Days. */
const LONGEST_WINDOW = 30;

const windowShortened: ReviewRule = {
  id: 'KT003',
  title: 'the deletion window gets shorter',
  severity: 'warning',
  why: 'During the window an accidental deletion can still be cancelled.',
  next: 'Leave deletionWindowDays at 30, or have a person decide that less is enough.',
  waivable: true,
  look: (context) =>
    keys(context).flatMap(({ address, before, after, importing }): Sighting[] => {
      const [was, becomes] = [before?.deletion_window_in_days, after?.deletion_window_in_days];
      // No import reads it. KMS itself waits for 30 days where nobody says less.
      if (importing !== undefined && typeof was !== 'number' && typeof becomes === 'number' && becomes < LONGEST_WINDOW)
        return [{ address, message: words`the deletion window of the taken-over key becomes ${becomes} days` }];
      if (typeof was !== 'number' || typeof becomes !== 'number' || becomes >= was) return [];
      return [{ address, message: words`the deletion window goes from ${was} to ${becomes} days` }];
    }),
};

const validTo: ReviewRule = {
  id: 'KT004',
  title: 'Terraform sets the expiry of key material',
  severity: 'error',
  why: 'valid_to belongs to an import. If Terraform changes it, the provider imports again without material; if Terraform unsets it, the plan never becomes empty.',
  next: 'Remove valid_to from the configuration, keep it under ignore_changes, and set materialValidTo in the rotation file.',
  waivable: true,
  look: (context) =>
    keys(context).flatMap(({ address, before, after, action, unknown }): Sighting[] => {
      if (!['create', 'update', 'replace'].includes(action)) return [];
      const [was, becomes] = [text(before?.valid_to), text(after?.valid_to)];
      if (unknown.valid_to !== true && was === becomes) return [];
      return [
        {
          address,
          message: words`valid_to goes from ${shown(was)} to ${unknown.valid_to === true ? '(known after the apply)' : shown(becomes)}`,
        },
      ];
    }),
};

const shown = (time: string | undefined): string =>
  time === undefined ? '(unset)' : UTC_TIME.test(time) ? time : `"${time}"`;

const disabledWithoutEvidence: ReviewRule = {
  id: 'KT005',
  title: 'a version is disabled without green evidence',
  severity: 'error',
  why: 'Objects that are still under a disabled key cannot be read. Only a green verification and the retire gate show that there are none.',
  next: 'Run post-apply, which verifies and then disables the key if the gate allows it, and pass its evidence with --evidence.',
  waivable: true,
  look: (context) =>
    keys(context).flatMap(({ address, before, after }): Sighting[] => {
      if (after?.enabled !== false || before?.enabled !== true) return [];
      const arn = text(before.arn);
      const green = context.green?.find((one) => one.keyArn === arn);
      if (green !== undefined && green.origin !== 'commit') return [];
      const known = arn === undefined ? undefined : context.keys.find(arn);
      const none =
        context.green === undefined
          ? words`no evidence was given`
          : green === undefined
            ? words`the evidence given shows no green retirement of it`
            : words`the evidence in ${path.basename(green.file)} is committed, so the reviewed change may have brought it: pass the archive, the base, or the signer's --public-key`;
      return [{ address, message: words`key version ${known?.version ?? address} is disabled; ${none}` }];
    }),
};

export const keyRules: readonly ReviewRule[] = [
  destroyed,
  forgotten,
  windowShortened,
  validTo,
  disabledWithoutEvidence,
];
