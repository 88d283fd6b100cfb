import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { KeyturnError } from '../lib/errors';
import { generateIdentity } from '../lib/key-material/age-identity';
import type { CommandOption } from './cli/command';

export const CUSTODIANS = ['age', 'command', 'pkcs11'] as const;
export type RehearsedCustodian = (typeof CUSTODIANS)[number];

export const custodyOption: CommandOption = {
  flags: '--custody <kind>',
  description: 'the custodian: age files, the sample command, or SoftHSM2 (which must be installed)',
  default: 'age',
  choices: CUSTODIANS,
};

/** The custody of a rehearsal, in its temporary directory. */
export interface RehearsedCustody {
  /** The value of `custody` in the rotation file. */
  readonly declared: Readonly<Record<string, unknown>>;
  /** Variables that the custodian reads. */
  readonly env: Readonly<Record<string, string>>;
}

/** Where distributions put SoftHSM's library. */
const SOFTHSM_PLACES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];
const SAMPLE_COMMAND = path.resolve(__dirname, '../docs/samples/custodian.mjs');
const TOKEN = 'keyturn-rehearsal';
const run = promisify(execFile);

/**
 * Sets the custodian up in the rehearsal's folder.
 *
 * @throws usage where SoftHSM2 is asked for and is not installed
 */
export function setUpCustody(kind: RehearsedCustodian, directory: string): Promise<RehearsedCustody> {
  return { age: setUpAge, command: setUpCommand, pkcs11: setUpSoftHsm }[kind](directory);
}

async function setUpAge(directory: string): Promise<RehearsedCustody> {
  const { recipient } = await generateIdentity(path.join(directory, 'identity.txt'));
  return { declared: { age: { recipients: [recipient], directory: 'custody' } }, env: {} };
}

async function setUpCommand(directory: string): Promise<RehearsedCustody> {
  const keyFile = path.join(directory, 'vault.key');
  await writeFile(keyFile, randomBytes(32), { mode: 0o600 });
  return {
    declared: { command: { run: [process.execPath, SAMPLE_COMMAND], directory: 'custody' } },
    env: { CUSTODIAN_FOLDER: path.join(directory, 'vault'), CUSTODIAN_KEY_FILE: keyFile },
  };
}

async function setUpSoftHsm(directory: string): Promise<RehearsedCustody> {
  const module = await softHsmLibrary();
  const tokens = path.join(directory, 'tokens');
  await mkdir(tokens);
  const configuration = path.join(directory, 'softhsm2.conf');
  await writeFile(configuration, `directories.tokendir = ${tokens}\nlog.level = ERROR\n`);
  const env = { SOFTHSM2_CONF: configuration };
  const pin = randomBytes(8).toString('hex');
  const pinFile = path.join(directory, 'pin');
  await writeFile(pinFile, pin, { mode: 0o600 });
  const args = ['--init-token', '--free', '--label', TOKEN, '--so-pin', randomBytes(8).toString('hex'), '--pin', pin];
  await run('softhsm2-util', args, { env: { ...process.env, ...env } }).catch(() => {
    // The error would show the arguments, including the PIN.
    throw notInstalled('softhsm2-util cannot initialize a token');
  });
  return { declared: { pkcs11: { module, token: TOKEN, pinFile, directory: 'custody' } }, env };
}

async function softHsmLibrary(): Promise<string> {
  for (const place of SOFTHSM_PLACES) {
    const there = await access(place).then(
      () => true,
      () => false,
    );
    if (there) return place;
  }
  throw notInstalled('SoftHSM2 is not installed on this machine');
}

const notInstalled = (problem: string): KeyturnError =>
  new KeyturnError('usage', { problem, hint: 'install it (apt-get install softhsm2), or use --custody age' });
