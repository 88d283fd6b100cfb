import type { FieldVerdict } from './field-classes';

/** What Keyturn does with a file, which decides what its change means. */
export type FileKind =
  | 'secret'
  | 'working'
  | 'linked'
  | 'custody'
  | 'evidence'
  | 'named'
  | 'rotation'
  | 'terraform'
  | 'pipeline'
  | 'program'
  | 'link'
  | 'other';

/** A more exact case of a change. */
export type FileCase = 'as bound';

/** The class of one change of one kind of file. */
export interface FileClass {
  readonly kind: FileKind;
  /** Absent: all three. */
  readonly change?: 'added' | 'changed' | 'removed';
  readonly when?: FileCase;
  readonly verdict: FieldVerdict;
  /** One sentence. */
  readonly why: string;
}

/** The kinds in words, for a sentence and for the table of docs/plan-review.md. */
export const FILE_KINDS: Readonly<Record<FileKind, string>> = {
  secret: 'an age identity, a private key, or 32 bytes that may be key material',
  working:
    'a working file: `cdktf.out`, `.keyturn`, `.terraform`, `terraform.d`, a state, a plan file, a pending import',
  linked: 'the rotation file, its binding or custody as a link',
  custody: 'a file in the custody directory',
  evidence: 'evidence',
  named: 'a file that the rotation file names',
  rotation: 'another rotation file or binding',
  terraform: 'configuration of Terraform',
  pipeline: 'a pipeline, its owners, or what git does with files',
  program: 'a program, its settings or its dependencies',
  link: 'a link or a submodule',
  other: 'anything else',
};

/** Every kind of file. The table of docs/plan-review.md is generated from it; the first row that applies counts. */
export const FILE_CLASSES: readonly FileClass[] = [
  {
    kind: 'secret',
    change: 'removed',
    verdict: 'decide',
    why: 'It stays in the history: whoever can read the repository has it.',
  },
  {
    kind: 'secret',
    verdict: 'refused',
    why: 'Whoever can read the repository could open every copy in custody, sign, or decrypt.',
  },
  { kind: 'working', change: 'removed', verdict: 'free', why: 'Each machine makes its own.' },
  {
    kind: 'working',
    verdict: 'refused',
    why: 'Each machine makes its own; a committed one could bring a provider that runs during the plan, or evidence of what never was.',
  },
  { kind: 'linked', verdict: 'refused', why: 'It leads to a file that the review does not see.' },
  { kind: 'custody', change: 'added', when: 'as bound', verdict: 'free', why: 'The binding names this very record.' },
  {
    kind: 'custody',
    change: 'changed',
    when: 'as bound',
    verdict: 'decide',
    why: 'The record was written again, as an import with another date does; the binding names it.',
  },
  { kind: 'custody', change: 'added', verdict: 'decide', why: 'Nothing here shows that it is what pre-apply wrote.' },
  { kind: 'custody', verdict: 'refused', why: 'It is, or leads to, the only copy of the material outside of KMS.' },
  {
    kind: 'evidence',
    verdict: 'decide',
    why: 'Evidence that a change brings along proves nothing; the review takes it from the archive.',
  },
  { kind: 'named', verdict: 'decide', why: 'It decides who can read the new key material, or runs code with it.' },
  {
    kind: 'rotation',
    verdict: 'decide',
    why: 'It is another rotation, and this review says nothing of it: review its plans too.',
  },
  {
    kind: 'terraform',
    verdict: 'decide',
    why: 'Terraform may read it, and no plan shows which program or setting it brought.',
  },
  { kind: 'pipeline', verdict: 'decide', why: 'It decides what runs in later reviews, and who must approve.' },
  {
    kind: 'program',
    verdict: 'decide',
    why: 'It may run where the stacks are synthesized, or as a step of the pipeline; no review of a plan can judge it.',
  },
  { kind: 'link', verdict: 'decide', why: 'It leads to a file that the review does not see.' },
  { kind: 'other', verdict: 'free', why: 'Keyturn does not read it.' },
];

/** The class of a change; `cases` are the exact cases that it is. */
export function fileClass(
  kind: FileKind,
  change: FileClass['change'],
  cases: readonly FileCase[],
): Pick<FileClass, 'verdict' | 'why'> {
  const found = FILE_CLASSES.find(
    (row) =>
      row.kind === kind &&
      (row.change === undefined || row.change === change) &&
      (row.when === undefined || cases.includes(row.when)),
  );
  if (found === undefined) throw new RangeError(`no class for ${kind}`);
  return found;
}

/** The classes as a Markdown table, for the markers in docs/plan-review.md. */
export function fileClassesTable(): string {
  const words = { free: 'free', decide: 'to decide', refused: 'refused' } as const;
  const change = (row: FileClass): string =>
    [row.change, row.when].filter((one) => one !== undefined).join(', ') || 'any';
  const rows = FILE_CLASSES.map(
    (row) => `| ${FILE_KINDS[row.kind]} | ${change(row)} | ${words[row.verdict]} | ${row.why} |`,
  );
  return ['| file | change | verdict | why |', '|---|---|---|---|', ...rows, ''].join('\n');
}
