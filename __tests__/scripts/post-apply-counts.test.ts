import { existsSync, readdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { speak } from '../support/command-line';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

let site: SwitchedSite;
let evidence: string;

beforeEach(async () => {
  site = await switchedSite();
  site.endpoint.jobs.stepMs = 0;
  evidence = path.join(site.directory, '.keyturn', 'evidence');
  for (let index = 0; index < 12; index += 1) await site.put(`object ${index}`);
  await site.put('already there', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: site.arns[1] });
});

afterEach(async () => {
  await site[Symbol.asyncDispose]();
});

const postApply = (args: readonly string[], signal?: AbortSignal) =>
  speak(site.directory, ['post-apply', '--yes', '--relist-delay', '0s', '--json', ...args], signal);

/** The counts in the line about the bucket, which must add up. */
function countsIn(stderr: string): { readonly [name: string]: number } {
  const line = /(\d+) object version\(s\), (\d+) rewrapped, (\d+) already there, (\d+) blocked, (\d+) failed/.exec(
    stderr,
  );
  const [listed = -1, moved = 0, there = 0, blocked = 0, failed = 0] = (line ?? []).slice(1).map(Number);
  expect(moved + there + blocked + failed).toBe(listed);
  return { listed, moved, there };
}

it('prints counts that add up for a job that waits, that moved everything, and that an earlier run read', async () => {
  await site.switch(await site.jobs());
  const waiting = await postApply([]);
  expect(waiting.stderr).not.toMatch(/\b0 object version/);
  expect(waiting.stderr).toContain('not done yet: 0 moved, of 13 object version(s) listed so far');
  const first = await postApply(['--confirm']);
  expect(countsIn(first.stderr)).toEqual({ listed: 13, moved: 12, there: 1 });
  const again = await postApply(['--confirm']);
  expect(countsIn(again.stderr)).toEqual({ listed: 13, moved: 0, there: 13 });
  // As on another machine, which reads the report again.
  await rm(path.join(site.directory, '.keyturn', 'journals'), { recursive: true, force: true });
  const elsewhere = await postApply(['--confirm']);
  expect(countsIn(elsewhere.stderr).listed).toBe(13);
  for (const { stdout } of [first, again, elsewhere]) {
    const { objectVersions, moved, alreadyThere, blockedTotal, failedTotal } =
      JSON.parse(stdout).steps[0].facts.passes[0];
    expect(moved + alreadyThere + blockedTotal + failedTotal).toBe(objectVersions);
  }
});

it('calls a job that found nothing to do by that name, not Failed', async () => {
  const jobs = await site.jobs({ more: ', manifest: generated' });
  await site.switch(jobs.replace('{ engine', '{ from: [sse-s3], engine'));
  const { exitCode, stderr, stdout } = await postApply(['--confirm']);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/job \S+ \(sse-s3\) found nothing to do/);
  expect(stderr).not.toContain('is Failed');
  countsIn(stderr);
  expect(JSON.parse(stdout).steps[0].facts.passes[0].jobs).toContainEqual(
    expect.objectContaining({ part: 'sse-s3', foundNothing: true }),
  );
  const status = await speak(site.directory, ['job', 'status']);
  expect(status.stdout).toMatch(/1 sse-s3 +nothing to do/);
  expect(status.stdout).not.toContain('Failed');
});

it('names the outcomes of a job in the evidence before a Ctrl-C can hide them', async () => {
  await site.switch(await site.jobs());
  const written = () =>
    (existsSync(evidence) ? readdirSync(evidence) : []).flatMap((name) =>
      name.endsWith('.outcomes')
        ? readdirSync(path.join(evidence, name)).map((one) => path.join(evidence, name, one))
        : [],
    );
  const controller = new AbortController();
  const end = site.endpoint.requests.hook({
    before: () => {
      if (written().some((name) => name.includes('.jobs-'))) controller.abort();
      return undefined;
    },
  });
  const interrupted = await postApply(['--confirm'], controller.signal);
  end();
  expect(interrupted.exitCode).toBe(130);
  const check = () => speak(site.directory, ['verify-evidence', evidence]);
  expect((await check()).exitCode).toBe(0);
  const [file = ''] = written().filter((name) => name.includes('.jobs-'));
  await writeFile(file, 'forged');
  expect((await check()).stderr).toContain('was changed');
  await rm(file);
  expect((await check()).stderr).toContain('is missing');
  await writeFile(path.join(path.dirname(file), 'other-000001.ndjson.gz'), 'forged');
  expect((await check()).stderr).toContain('it was added');
});
