import { KeyturnError } from '../../../lib/errors';
import { unifiedDiff } from '../../../lib/proposals/diff';
import { type ProposalRequest, propose } from '../../../lib/proposals/proposal';
import { parseRotation } from '../../../lib/rotation/rotation-file';

const NOW = new Date('2026-11-24T10:00:00Z');

const file = (versions: string, active: string) => `# ours
name: photos
region: ap-northeast-1
alias: alias/photos
keyVersions: # in order
${versions}activeVersion: ${active} # moved to switch
buckets:
  - name: photos-originals
    manage: encryption
`;

async function proposed(text: string, kind: ProposalRequest['kind'], more: Partial<ProposalRequest> = {}) {
  const rotation = await parseRotation(text, '/r/rotation.yaml', { now: NOW, expired: 'accept' });
  return propose(rotation, text, { kind, version: undefined, materialValidTo: undefined, ...more });
}

const changed = (before: string, after: string) =>
  unifiedDiff(before, after, 'rotation.yaml')
    .split('\n')
    .filter((line) => /^[-+](?![-+])/.test(line));

async function refusal(work: Promise<unknown>): Promise<KeyturnError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof KeyturnError) return error;
  throw new Error(`not refused: ${String(error)}`);
}

describe('a proposal changes the fewest lines, and keeps the comments', () => {
  const one = file('  - name: v1 # first\n', 'v1');
  const two = file('  - name: v1 # first\n  - name: v2\n', 'v1');
  const switched = file('  - name: v1 # first\n  - name: v2\n', 'v2');

  it('version: appends the next name, with its expiry', async () => {
    const plain = await proposed(one, 'version');
    expect(plain).toMatchObject({ version: 'v2', from: 'v1', branch: 'keyturn/photos-version-v2' });
    expect(changed(plain.before, plain.after)).toEqual(['+  - name: v2']);
    const dated = await proposed(one, 'version', { materialValidTo: new Date('2027-11-01T00:00:00Z') });
    expect(changed(dated.before, dated.after)).toEqual(['+  - name: v2', '+    materialValidTo: 2027-11-01T00:00:00Z']);
  });

  it('switch: moves activeVersion to the version after it', async () => {
    const { before, after } = await proposed(two, 'switch');
    expect(changed(before, after)).toEqual([
      '-activeVersion: v1 # moved to switch',
      '+activeVersion: v2 # moved to switch',
    ]);
  });

  it('retire: records the superseded version as disabled', async () => {
    const { before, after, version } = await proposed(switched, 'retire');
    expect(version).toBe('v1');
    expect(changed(before, after)).toEqual(['+    disabled: true']);
  });

  it('rollback: the exact opposite of retire and switch, in one proposal', async () => {
    const retired = (await proposed(switched, 'retire')).after;
    const { before, after } = await proposed(retired, 'rollback');
    expect(changed(before, after)).toEqual([
      '-    disabled: true',
      '+    disabled: false',
      '-activeVersion: v2 # moved to switch',
      '+activeVersion: v1 # moved to switch',
    ]);
  });

  it('does not change a text that already declares it', async () => {
    const { before, after } = await proposed(two, 'switch', { version: 'v1' });
    expect(after).toBe(before);
  });
});

describe('a proposal is refused', () => {
  it('refuses a switch where no later version is declared', async () => {
    const error = await refusal(proposed(file('  - name: v1\n', 'v1'), 'switch'));
    expect(error).toMatchObject({ code: 'proposal-refused', exitCode: 4 });
    expect(error.hint).toContain('propose version');
  });

  it('refuses to guess between two later versions, and names them', async () => {
    const text = file('  - name: v1\n  - name: v2\n  - name: v3\n', 'v1');
    const error = await refusal(proposed(text, 'switch'));
    expect(error.message).toContain('v2, v3');
    expect((await proposed(text, 'switch', { version: 'v3' })).version).toBe('v3');
  });

  it('refuses to record the active version or an adopted one as retired', async () => {
    const arn = 'arn:aws:kms:ap-northeast-1:111122223333:key/11111111-1111-1111-1111-111111111111';
    const text = file(`  - name: old\n    keyArn: ${arn}\n  - name: v1\n  - name: v2\n`, 'v2');
    expect((await proposed(text, 'retire')).version).toBe('v1');
    for (const version of ['old', 'v2', 'nobody'])
      expect(await refusal(proposed(text, 'retire', { version }))).toMatchObject({ code: 'proposal-refused' });
  });

  it('refuses a rollback where nothing was before', async () => {
    expect(await refusal(proposed(file('  - name: v1\n', 'v1'), 'rollback'))).toMatchObject({
      code: 'proposal-refused',
    });
  });

  it('refuses to retire or roll back what is rotated in place', async () => {
    const text = file('  - name: v1\n  - name: v2\n', 'v2').replace('alias:', 'strategy: in-place\nalias:');
    for (const kind of ['retire', 'rollback'] as const)
      expect((await refusal(proposed(text, kind))).message).toContain('strategy: in-place');
  });

  it('refuses a name that is taken, and one that cannot be counted on from', async () => {
    const text = file('  - name: v1\n', 'v1');
    expect(await refusal(proposed(text, 'version', { version: 'v1' }))).toMatchObject({
      code: 'rotation-edit-refused',
    });
    const named = await refusal(proposed(file('  - name: first\n', 'first'), 'version'));
    expect(named).toMatchObject({ code: 'proposal-refused' });
    expect(named.hint).toContain('--name');
  });

  it('refuses a file that a merge conflict was left in', async () => {
    const text = file('<<<<<<< HEAD\n  - name: v1\n=======\n  - name: v2\n>>>>>>> other\n', 'v1');
    const error = await refusal(proposed(text, 'version'));
    expect(error).toMatchObject({ code: 'rotation-file-invalid', exitCode: 78 });
    expect(error.message).toContain('merge-conflict marker');
  });
});

it.each([
  [['v1'], 'v2'],
  [['v9'], 'v10'],
  [['v09'], 'v10'],
  [['2026-01', '2026-02'], '2026-03'],
  [['v3', 'v2'], 'v4'],
])('counts on from %j to %s', async (names, next) => {
  const text = file(names.map((name) => `  - name: "${name}"\n`).join(''), `"${names[0]}"`);
  expect((await proposed(text, 'version')).version).toBe(next);
});
