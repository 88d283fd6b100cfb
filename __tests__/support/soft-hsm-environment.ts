import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EnvironmentContext, JestEnvironmentConfig } from '@jest/environment';
import { TestEnvironment } from 'jest-environment-node';

/**
 * SoftHSM reads the variables of the real process, of which a test sees only a copy: the name of the configuration must
 * stand there before the test begins. The test writes the file.
 */
class SoftHsmEnvironment extends TestEnvironment {
  readonly #folder: string;

  constructor(config: JestEnvironmentConfig, context: EnvironmentContext) {
    const folder = mkdtempSync(path.join(tmpdir(), 'keyturn-softhsm-'));
    process.env.SOFTHSM2_CONF = path.join(folder, 'softhsm2.conf');
    super(config, context);
    this.#folder = folder;
  }

  override async teardown(): Promise<void> {
    delete process.env.SOFTHSM2_CONF;
    rmSync(this.#folder, { recursive: true, force: true });
    await super.teardown();
  }
}

module.exports = SoftHsmEnvironment;
