import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A temporary folder with a `bin` of its own for programs that stand in for Terraform. */
export interface Sandbox extends AsyncDisposable {
  readonly path: string;
  /** `PATH` holds the sandbox's `bin` and the system's shells; `HOME` is the sandbox. */
  readonly env: NodeJS.ProcessEnv;
  write(file: string, text: string): Promise<string>;
  program(name: string, script: string): Promise<string>;
}

export async function sandbox(): Promise<Sandbox> {
  const path = await mkdtemp(join(tmpdir(), 'keyturn-test-'));
  const write = async (file: string, text: string): Promise<string> => {
    const full = join(path, file);
    await mkdir(dirname(full), { recursive: true });
    await writeFile(full, text);
    return full;
  };
  return {
    path,
    env: { HOME: path, PATH: `${join(path, 'bin')}:/usr/bin:/bin` },
    write,
    async program(name, script) {
      const full = await write(join('bin', name), `#!/bin/sh\n${script}\n`);
      await chmod(full, 0o755);
      return full;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** The script of a program that answers `version` as the given product does. */
export function answersVersion(product: 'Terraform' | 'OpenTofu', version: string): string {
  return `if [ "$1" = version ]; then printf '${product} v${version}\\non linux_amd64\\n'; exit 0; fi`;
}
