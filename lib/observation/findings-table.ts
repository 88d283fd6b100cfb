/** What each finding of `status` means and what mends it: the one source of the runbook's table, and of the test that types the commands. */
import type { DriftFinding } from './drift-finding';

interface FindingRow {
  /** One sentence for the runbook. */
  readonly meaning: string;
  /** Commands, with names left out. `status` prints them with the names. */
  readonly commands: readonly string[];
  /** What a person has to know besides. */
  readonly more?: string;
}

const IDENTITY = '--identity <age identity file>';
const EXTEND = `npx keyturn extend --version <version> --valid-days 300 ${IDENTITY}`;
const DRILL = `npx keyturn drill --version <version> ${IDENTITY}`;
const PRE_APPLY = `npx keyturn pre-apply ${IDENTITY}`;
const POST_APPLY = 'npx keyturn post-apply';
const PROPOSE = 'npx keyturn propose version';
const PLAN = 'npx keyturn plan --out keyturn-plan';
const ADOPT_MATERIAL = 'npx keyturn material adopt --version <version> --material-file <file>';
const ENABLE = 'aws kms enable-key --key-id <key>';
const CANCEL = 'aws kms cancel-key-deletion --key-id <key>';

/** Every finding, the pressing ones first. */
export const FINDINGS: Readonly<Record<DriftFinding['code'], FindingRow>> = {
  'active-key-unusable': {
    meaning: 'The key that everything is written under is off, pending deletion or gone: an outage.',
    commands: [ENABLE, CANCEL],
    more: 'A key that is gone never comes back: restore the objects from a backup.',
  },
  'pointed-key-gone': {
    meaning: 'The default encryption of a bucket names a key that does not exist any more: an outage.',
    commands: ['npx cdktf deploy <name>-storage'],
    more: 'First restore the objects that were under that key from a backup, or delete them: nothing brings the key back.',
  },
  'material-expired': {
    meaning:
      'A key has lost its material, by its date or by hand. It is an outage where objects need it; in place, always.',
    commands: [PRE_APPLY, EXTEND, POST_APPLY],
    more: '`extend` where the date in the rotation file is past; `post-apply` finds out whether anything is left under an earlier version. Without a copy, what is under the key is lost.',
  },
  'earlier-key-unusable': {
    meaning: 'An earlier key is off, and objects are left under it: an outage.',
    commands: [ENABLE, CANCEL],
    more: 'A key that is `Unavailable`, `Updating` or `Creating` comes back by itself, or once its key store is connected.',
  },
  'earlier-key-not-verified': {
    meaning: 'An earlier key is off, and nothing here shows that it is empty.',
    commands: [POST_APPLY, ENABLE],
    more: 'Before the switch it must be on, because what is under it is still to move: enable it, after its deletion is canceled.',
  },
  'key-pending-deletion': {
    meaning: 'Somebody scheduled the deletion of a key.',
    commands: [CANCEL],
    more: 'The key is Disabled then; if it is needed, the next finding names how to enable it.',
  },
  'key-in-other-regions': {
    meaning:
      'A key is a multi-Region key, and keys in other Regions have its material. Keyturn looks at one Region. A note once a waiver of the gate (`related-key`) names each Region.',
    commands: [],
    more: 'Look at those keys in their own Regions: state, dates, users and what is under them.',
  },
  'material-expiring': {
    meaning: 'Material expires within `expiry.warnDays`.',
    commands: [PROPOSE, EXTEND, POST_APPLY],
    more: '`post-apply` for a version that is left already; in place, each material is extended.',
  },
  'material-date-differs': {
    meaning: 'The rotation file and KMS name different dates.',
    commands: [`npx keyturn extend --version <version> --valid-to <time> ${IDENTITY}`],
    more: 'Where KMS names none, remove `materialValidTo` from the file.',
  },
  'file-date-past': {
    meaning: 'The rotation file names a date that is over, and no command of the flow takes such a file.',
    commands: [EXTEND, 'write a later materialValidTo for <version> into the rotation file, or remove the line'],
    more: '`extend` where custody has the material; otherwise the date alone is wrong.',
  },
  'material-foreign': {
    meaning: 'In place: the key holds material that no declared version stands for.',
    commands: ['aws kms delete-imported-key-material --key-id <key> --key-material-id <material>', PROPOSE],
    more: 'What waits can be deleted. What the key encrypts with is rotated away from, and stays in the key for good.',
  },
  'binding-contradicted': {
    meaning:
      'AWS has another key or material for a version than `rotation.lock.json`; every command that changes something stops.',
    commands: [
      'aws kms update-alias --alias-name <alias> --target-key-id <key>',
      'aws kms create-alias --alias-name <alias> --target-key-id <key>',
      PROPOSE,
    ],
    more: 'First find out who moved the alias or imported material. Other material is left behind: remove its version from the file in a reviewed change, then rotate. Nothing brings a deleted key back.',
  },
  'binding-outdated': {
    meaning: '`rotation.lock.json` has another date or custody record of a version than AWS and custody.',
    commands: ['npx keyturn pre-apply'],
    more: 'Then commit the file.',
  },
  'binding-incomplete': {
    meaning: '`rotation.lock.json` does not bind the active version.',
    commands: ['npx keyturn pre-apply'],
    more: 'Then commit the file.',
  },
  'rotations-nearly-used': {
    meaning: 'In place: one or none of the 25 rotations of the key is left.',
    commands: [],
    more: 'Start a rotation with `strategy: new-key`, and move the objects to its key; see [strategies](strategies.md).',
  },
  'key-over-age': { meaning: 'The active key is older than `rotateEveryDays`.', commands: [PROPOSE] },
  'alias-moved': {
    meaning: 'The alias points where no run of Keyturn left it.',
    commands: [PLAN],
    more: 'Then apply the plan. If the move was meant: `npx keyturn propose switch --name <version>`. If the alias is older than the rotation: `npx keyturn adopt`.',
  },
  'bucket-default-moved': {
    meaning: 'The default encryption of a bucket points where no run of Keyturn left it.',
    commands: [PLAN],
    more: 'Then apply the plan.',
  },
  'bucket-key-moved': {
    meaning: 'The bucket key of a bucket is not as declared.',
    commands: [PLAN],
    more: 'Then apply the plan.',
  },
  'stragglers-not-checked': {
    meaning: 'A superseded key is on, and nobody verified for a week that it is empty.',
    commands: [POST_APPLY],
  },
  'custody-lost': {
    meaning: 'Custody has no copy any more of material that its record names.',
    commands: [DRILL, PROPOSE],
    more: 'First restore the copy from a backup, then drill it. Without a backup, rotate to a version that custody has.',
  },
  'custody-folder-gone': {
    meaning: 'The custody folder that runs on this machine used is gone.',
    commands: ['restore <file> from a backup'],
  },
  'custody-record-absent': {
    meaning: 'Nothing here shows that custody holds the material of a version.',
    commands: [DRILL, PROPOSE, POST_APPLY, ADOPT_MATERIAL],
    more: 'A drill proves the copy and writes its record. If the material is in a file, `npx keyturn material adopt` puts it into custody. Without the right copy, rotate; `post-apply` empties an earlier version.',
  },
  'custody-other-key': {
    meaning: 'Custody of a version is of a key that is not its key any more, usually a deleted one.',
    commands: ['mkdir -p <file> && mv <file> <file>'],
    more: 'Objects under a deleted key cannot be read: restore them from a backup first.',
  },
  'custody-copy-missing': {
    meaning: 'A version waits for material whose record is in custody and whose copy is not.',
    commands: ['mkdir -p <file> && mv <file> <file>'],
    more: 'First look for a backup of the copy. Nothing is under the version yet: with strategy `new-key`, remove it from the rotation file.',
  },
  'custody-copy-differs': {
    meaning:
      'The copy in custody is not the one that its record is of, or, as a note, the record is of an earlier Keyturn and names no copy.',
    commands: [DRILL],
    more: 'The drill lets KMS compare the bytes, and writes the record. For whom a replaced copy is sealed is not known then: `--reseal` seals it for the recipients of the rotation file.',
  },
  'custody-of-other-material': {
    meaning:
      'KMS said that the copy in custody is not the material of the version: somebody else imported it, or the copy was replaced.',
    commands: ['mkdir -p <file> && mv <file> <file>', DRILL, PROPOSE],
    more: 'Find out who imported it, and bring that custody here. A copy with a record is restored from a backup and drilled.',
  },
  'custody-copy-unknown': {
    meaning:
      'Custody holds a copy for a version before its first import, and no run of this rotation is known to have made it.',
    commands: ['mkdir -p <file> && mv <file> <file>'],
    more: 'Or bring the evidence of the run that made it. Whoever else made it may know the material.',
  },
  'custody-recipients-differ': {
    meaning: 'A copy is sealed for other age recipients than the rotation file names.',
    commands: [`${DRILL} --reseal`],
    more: 'Whoever was struck out may have kept a copy or the material: if that matters, rotate.',
  },
  'custody-not-asked': {
    meaning:
      'A module or a command that keeps copies does not answer here. A note where no run of this machine kept custody.',
    commands: [],
    more: 'Run `npx keyturn status` where it can be reached.',
  },
  'drill-due': {
    meaning: 'Custody of a version was not drilled for `custody.drillEveryDays`, or never opened.',
    commands: [DRILL],
  },
  'rollback-window-closing': {
    meaning: 'The material of a retired version expires soon; a rollback after that needs custody.',
    commands: ['npx keyturn rollback --to <version>'],
    more: 'Or nothing, if nobody goes back.',
  },
  'retirement-not-recorded': {
    meaning: 'A version is retired, and the rotation file does not say so.',
    commands: ['npx keyturn propose retire --name <version>'],
  },
};

/** The findings as a Markdown table, for the markers in docs/runbook.md. */
export function findingsTable(): string {
  const rows = Object.entries(FINDINGS).map(([code, { meaning, commands, more }]) => {
    const typed = commands.map((one) => `\`${one}\``).join(' or ');
    const what = [typed, more].filter((one) => one !== undefined && one !== '').join('. ');
    return `| \`${code}\` | ${meaning} | ${what} |`;
  });
  return ['| finding | meaning | what to type |', '|---|---|---|', ...rows, ''].join('\n');
}
