import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { refuseCommitted } from '../../../lib/repository/committed-files';

describe('working files of Keyturn and Terraform', () => {
  let folder: string;
  const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: folder });
  const put = (file: string) => {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), 'x');
  };

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'keyturn-committed-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([
    'cdktf.out/stacks/photos-keys/terraform.d/plugins/registry.terraform.io/hashicorp/aws/5.100.0/x/terraform-provider-aws',
    'cdktf.out/stacks/photos-keys/.terraform/providers/terraform-provider-aws',
    'cdktf.out/stacks/photos-keys/.terraform.lock.hcl',
    'cdktf.out/stacks/photos-storage/terraform.auto.tfvars',
    '.keyturn/evidence/20261124T120000000Z-post-apply-1.ndjson',
    '.Keyturn/evidence/20261124T120000000Z-post-apply-1.ndjson',
    '.keyturn/custody-folder',
  ])('are refused by name where a pull request brings them: %s', async (file) => {
    git('init', '-q');
    put(file);
    await expect(refuseCommitted(folder, process.env)).resolves.toBeUndefined();
    git('add', '--force', '.');
    await expect(refuseCommitted(folder, process.env)).rejects.toMatchObject({
      code: 'working-files-committed',
      exitCode: 4,
      facts: { files: [file] },
    });
  });

  it('are refused as a link to a folder that a pull request brings', async () => {
    git('init', '-q');
    put('elsewhere/evidence/forged.ndjson');
    symlinkSync('elsewhere', path.join(folder, '.keyturn'));
    git('add', '--force', '.keyturn');
    await expect(refuseCommitted(folder, process.env)).rejects.toMatchObject({ facts: { files: ['.keyturn'] } });
  });

  it('fails when git cannot read the repository, because then nobody knows what is committed', async () => {
    put('.git');
    await expect(refuseCommitted(folder, process.env)).rejects.toMatchObject({ code: 'repository-unreadable' });
    const none = { ...process.env, PATH: folder };
    await expect(refuseCommitted(folder, none)).rejects.toMatchObject({ facts: { reason: 'git is not installed' } });
  });

  it('are nobody’s outside of a repository', async () => {
    put('cdktf.out/stacks/photos-keys/cdk.tf.json');
    await expect(refuseCommitted(folder, process.env)).resolves.toBeUndefined();
    // Another configuration may stand in the folder of the rotation file, with its lock.
    git('init', '-q');
    put('.terraform.lock.hcl');
    git('add', '.terraform.lock.hcl');
    await expect(refuseCommitted(folder, process.env)).resolves.toBeUndefined();
  });
});
