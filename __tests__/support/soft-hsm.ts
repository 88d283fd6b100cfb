import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describeWith } from './requirement';

/** Where distributions put SoftHSM's library. */
const PLACES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];

export const SO_PIN = 'so-4711';
export const PIN = 'user-0815';

/** SoftHSM on this machine, by its library; undefined where it is not installed, or the native package is not built. */
export function findSoftHsm(): string | undefined {
  const built = path.resolve(__dirname, '../../node_modules/pkcs11js/build/Release/pkcs11.node');
  return existsSync(built) ? PLACES.find(isReadable) : undefined;
}

export const withSoftHsm = describeWith({
  what: 'SoftHSM2 and the native package pkcs11js',
  isMet: findSoftHsm() !== undefined,
  install: 'apt-get install softhsm2; npm rebuild pkcs11js --ignore-scripts=false',
});

/** The library. @throws Error where CI lacks it */
export function softHsm(): string {
  const found = findSoftHsm();
  if (found) return found;
  throw new Error('SoftHSM2 is not installed, or pkcs11js is not built (npm rebuild pkcs11js --ignore-scripts=false)');
}

/** Writes a configuration with a token folder of its own. @param mechanisms - as `slots.mechanisms` takes them */
export function writeSoftHsmConfiguration(directory: string, mechanisms = 'ALL'): string {
  const tokens = path.join(directory, 'tokens');
  mkdirSync(tokens, { recursive: true });
  const file = path.join(directory, 'softhsm2.conf');
  const lines = [`directories.tokendir = ${tokens}`, 'log.level = ERROR', `slots.mechanisms = ${mechanisms}`];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** Sets up a token whose user PIN is {@link PIN}. */
export function makeToken(configuration: string, label: string): void {
  const args = ['--init-token', '--free', '--label', label, '--so-pin', SO_PIN, '--pin', PIN];
  execFileSync('softhsm2-util', args, { env: { ...process.env, SOFTHSM2_CONF: configuration }, stdio: 'pipe' });
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
