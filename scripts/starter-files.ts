import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Where the pipelines of this project are, in a clone and in the package. */
const EXAMPLES = path.join(__dirname, '../examples');
const SAMPLE = path.join(__dirname, '../rotation.yaml');

export const FORGES = ['github', 'gitlab', 'atlantis'] as const;
export type Forge = (typeof FORGES)[number];

/** A file to write; its path is relative to the repository, with slashes. */
export interface StarterFile {
  readonly file: string;
  readonly text: string;
  /** True for a script. Default: false. */
  readonly executable?: boolean;
}

/** What the sample rotation file says by default, by the name of the option that replaces it. */
const SAMPLES = {
  name: 'rotation-test',
  region: 'ap-northeast-1',
  alias: 'alias/rotation-test-key',
  bucket: 'kms-key-rotation-test-bucket',
} as const;

export type RotationValues = Readonly<Partial<Record<keyof typeof SAMPLES, string>>>;

/** Line for editors that know YAML schemas; beside a clone of Keyturn, the package is where npm puts it. */
const SCHEMA = '# yaml-language-server: $schema=./node_modules/keyturn/rotation.schema.json\n';
const SAMPLE_TITLE = /^# The sample rotation\..*\n/;
const TITLE =
  '# The rotation. This file is all that a person edits to rotate a key. Every field: docs/rotation-file.md of Keyturn.\n';

/** The sample rotation file with its comments, and with the given values. */
export function rotationText(values: RotationValues): string {
  let text = readFileSync(SAMPLE, 'utf8').replace(SAMPLE_TITLE, SCHEMA + TITLE);
  for (const [name, sample] of Object.entries(SAMPLES)) {
    const given = values[name as keyof typeof SAMPLES];
    const key = name === 'bucket' ? '  - name' : name;
    if (given !== undefined) text = text.replace(`${key}: ${sample}`, () => `${key}: ${JSON.stringify(given)}`);
  }
  return text;
}

const MAIN = `import { App } from 'cdktf';
import { declareRotations } from 'keyturn/stacks';

const app = new App({ stackTraces: false });
declareRotations(app).then(() => app.synth());
`;

function cdktfJson(): string {
  const settings = {
    language: 'typescript',
    app: 'npx tsx main.ts',
    projectId: randomUUID(),
    sendCrashReports: 'false',
    terraformProviders: [],
    terraformModules: [],
  };
  return `${JSON.stringify(settings, null, 2)}\n`;
}

/** Lines of `.gitignore`, each with what they keep out and why. */
export const IGNORED = `# Keyturn and Terraform make these on each machine.
node_modules/
cdktf.out/
.terraform/
# Evidence, journals and locks. A pipeline archives the evidence on a branch of its own.
.keyturn/
# State of "terraform.backend: local". It is needed as long as the keys are: use "s3" as soon as two people or machines rotate.
*.tfstate
*.tfstate.*
# Saved plans hold the state.
keyturn-plan/
keyturn-out/
keyturn-leave/
# The only copy of the key material outside of KMS, encrypted. Pipelines archive it on their own branch. Without a pipeline,
# copy it to a place that is backed up, or remove this line and commit it.
/custody/
# A prepared import, and the identity that opens custody.
*.pending.json
keyturn-identity.txt
# Material in clear, of an import by hand.
material.bin
`;

/** Lines of CODEOWNERS: whoever changes these changes what is planned, or what is reviewed. */
export const OWNED = `# Who must approve a rotation, and what runs it. Replace the teams.
/rotation.yaml        @your-org/key-owners
/rotation.lock.json   @your-org/key-owners
/rotations/           @your-org/key-owners
/.github/             @your-org/platform
/.gitlab-ci.yml       @your-org/platform
/atlantis.yaml        @your-org/platform
/keyturn/             @your-org/platform
/main.ts              @your-org/platform
/cdktf.json           @your-org/platform
/package.json         @your-org/platform
/package-lock.json    @your-org/platform
/CODEOWNERS           @your-org/platform
`;

const PIPELINES: Readonly<Record<Forge, (name: string) => string>> = {
  github: (name) => `.github/workflows/${name}`,
  gitlab: (name) => name,
  atlantis: (name) => name,
};
const FOLDERS: Readonly<Record<Forge, string>> = {
  github: 'github-actions',
  gitlab: 'gitlab-ci',
  atlantis: 'atlantis',
};
/** Belongs on the server of Atlantis, not into a repository. */
const OF_SERVER = 'repos.yaml';

/** The pipeline of a forge and the shell steps that it runs, which stand in `keyturn/steps/` of the repository. */
function pipelineFiles(forge: Forge): readonly StarterFile[] {
  const folder = path.join(EXAMPLES, FOLDERS[forge]);
  const here = (text: string): string => text.replaceAll('examples/steps/', 'keyturn/steps/');
  const workflows = readdirSync(folder)
    .filter((name) => name !== OF_SERVER)
    .map((name) => ({ file: PIPELINES[forge](name), text: here(readFileSync(path.join(folder, name), 'utf8')) }));
  const steps = readdirSync(path.join(EXAMPLES, 'steps')).map((name) => ({
    file: `keyturn/steps/${name}`,
    text: readFileSync(path.join(EXAMPLES, 'steps', name), 'utf8'),
    executable: true,
  }));
  return [...workflows, ...steps];
}

/** Every file that `init` writes, but `.gitignore` and CODEOWNERS, which may hold other lines. */
export function starterFiles(values: RotationValues, forge: Forge | undefined): readonly StarterFile[] {
  return [
    { file: 'rotation.yaml', text: rotationText(values) },
    { file: 'cdktf.json', text: cdktfJson() },
    { file: 'main.ts', text: MAIN },
    ...(forge === undefined ? [] : pipelineFiles(forge)),
  ];
}

/** What stands in the repository, or the host of its remote; undefined: neither says which forge it is. */
export function findForge(directory: string, remote: string | undefined): Forge | undefined {
  const has = (name: string): boolean => existsSync(path.join(directory, name));
  if (has('atlantis.yaml')) return 'atlantis';
  if (has('.github')) return 'github';
  if (has('.gitlab-ci.yml') || has('.gitlab')) return 'gitlab';
  const host = /^(?:[a-z+]+:\/\/)?(?:[^@/]*@)?([^/:]+)/.exec(remote ?? '')?.[1] ?? '';
  return (['github', 'gitlab'] as const).find((forge) => host.split('.').includes(forge));
}

/** Adds the lines that a text does not have yet, comments included; undefined: it has them all. */
export function withLines(text: string, lines: string): string | undefined {
  const present = new Set(text.split('\n').map((line) => line.trim()));
  const isRule = (line: string): boolean => line !== '' && !line.startsWith('#');
  const missing = lines.split('\n').filter((line) => isRule(line) && !present.has(line.trim()));
  if (missing.length === 0) return undefined;
  const added = lines.split('\n').filter((line) => !isRule(line) || missing.includes(line));
  return `${text === '' || text.endsWith('\n') ? text : `${text}\n`}${text === '' ? '' : '\n'}${added.join('\n')}`;
}

/** What a rotation file says that is still as `init` wrote it, recipients aside; what was not given is absent. */
export interface StarterValues {
  readonly name?: string;
  readonly region?: string;
  readonly alias?: string;
  readonly buckets?: readonly [string];
  readonly recipients: readonly string[];
}

/** The values of such a file; undefined: people wrote something else into it. */
export function starterValues(text: string): StarterValues | undefined {
  const value = (key: string): string | undefined => new RegExp(`^${key}: "?([^"\\s]+)"?$`, 'm').exec(text)?.[1];
  const held = {
    name: value('name'),
    region: value('region'),
    alias: value('alias'),
    bucket: value(' {2}- name(?=.*\\n {4}manage:)'),
  };
  const given = Object.entries(held).filter(([key, one]) => one !== SAMPLES[key as keyof typeof SAMPLES]);
  const list = /^ {4}recipients: \[(.*)\]/m.exec(text)?.[1] ?? '';
  const plain = (one: string): string => one.replaceAll('"', '').trimEnd();
  const started = rotationText(Object.fromEntries(given)).replace('recipients: []', () => `recipients: [${list}]`);
  if (plain(text) !== plain(started)) return undefined;
  const { bucket, ...rest } = Object.fromEntries(given);
  const recipients = list.split(',').map((one) => plain(one).trim());
  return {
    ...rest,
    ...(bucket === undefined ? {} : { buckets: [bucket] }),
    recipients: recipients.filter((one) => one !== ''),
  };
}
