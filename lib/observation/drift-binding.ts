/** Where `rotation.lock.json` is not what AWS and custody hold: somebody moved an alias, or the file was not committed. */
import { bindingContradictions, bindingName, boundInAws } from './binding-contradictions';
import { act, type DriftFinding, type DriftInput } from './drift-finding';

const WRITE = 'npx keyturn pre-apply   (and commit rotation.lock.json)';

/** Findings about the binding; none where there is none, which is not wrong. */
export function bindingFindings(input: DriftInput): readonly DriftFinding[] {
  const { rotation, seen, materials } = input;
  const found = boundInAws(rotation, seen.versions, materials);
  const contradicted = bindingContradictions(rotation, found);
  const file = bindingName(rotation);
  return [
    ...contradicted.map((one) => act('binding-contradicted', `${file}: ${one.text}`, fixOf(input, one))),
    ...found
      .filter(({ bound }) => contradicted.every(({ version }) => version !== bound.name))
      .flatMap((one) => outdated(input, file, one)),
    ...incomplete(input, file),
  ];
}

/** No alias leads back to a key that is gone. */
function fixOf(
  { rotation, seen }: DriftInput,
  { version, fix }: ReturnType<typeof bindingContradictions>[number],
): string {
  const keyArn = rotation.binding.find(({ name }) => name === version)?.keyArn;
  if (keyArn === undefined || !seen.goneKeys?.includes(keyArn)) return fix;
  return `nothing brings ${keyArn} back: restore what was under it from a backup, and go on with a version of another name; remove ${version} from the rotation file and from ${bindingName(rotation)}`;
}

function outdated(
  { custody }: DriftInput,
  file: string,
  { bound, validTo, keyArn }: ReturnType<typeof boundInAws>[number],
): readonly DriftFinding[] {
  const { name, materialValidTo, custodyRecordSha256 } = bound;
  const now = validTo?.toISOString() ?? null;
  const date =
    keyArn === undefined || now === materialValidTo
      ? []
      : [`${name} expires at ${materialValidTo ?? 'no time'} by ${file}, at ${now ?? 'no time'} by KMS`];
  const hash = custody.here ? custody.versions.get(name)?.recordSha256 : undefined;
  const record =
    hash === undefined || custodyRecordSha256 === null || hash === custodyRecordSha256
      ? []
      : [`the custody record of ${name} is not the one that ${file} binds`];
  return [...date, ...record].map((text) => act('binding-outdated', text, WRITE));
}

/** In use for others, it must bind the active version too: a plan is refused otherwise. */
function incomplete({ rotation, seen }: DriftInput, file: string): readonly DriftFinding[] {
  const { binding, activeVersion } = rotation;
  const active = seen.versions.find(({ version }) => version.name === activeVersion);
  const isBound = binding.some(({ name }) => name === activeVersion);
  if (binding.length === 0 || isBound || active?.version.keyArn !== undefined) return [];
  if (active?.key === undefined || active.key.state === 'PendingImport') return [];
  return [act('binding-incomplete', `${file} binds other versions, and not the active ${activeVersion}`, WRITE)];
}
