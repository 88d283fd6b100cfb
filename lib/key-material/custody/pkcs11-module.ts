import { readFile } from 'node:fs/promises';
import type { Handle, PKCS11, Template } from 'pkcs11js';

import { KeyturnError } from '../../errors';

/** Constants of PKCS#11. The native package also has them, but it is loaded only if a module is used. */
export const CK = {
  CKU_USER: 1,
  CKF_RW_SESSION: 2,
  CKF_SERIAL_SESSION: 4,
  CKF_WRAP: 0x0002_0000,
  CKF_GENERATE: 0x8000,
  CKO_PUBLIC_KEY: 2,
  CKO_SECRET_KEY: 4,
  CKK_RSA: 0,
  CKK_AES: 0x1f,
  CKA_CLASS: 0,
  CKA_TOKEN: 1,
  CKA_PRIVATE: 2,
  CKA_LABEL: 3,
  CKA_KEY_TYPE: 0x100,
  CKA_ID: 0x102,
  CKA_SENSITIVE: 0x103,
  CKA_ENCRYPT: 0x104,
  CKA_DECRYPT: 0x105,
  CKA_WRAP: 0x106,
  CKA_UNWRAP: 0x107,
  CKA_MODULUS: 0x120,
  CKA_PUBLIC_EXPONENT: 0x122,
  CKA_VALUE_LEN: 0x161,
  CKA_EXTRACTABLE: 0x162,
  CKA_LOCAL: 0x163,
  CKA_ALWAYS_SENSITIVE: 0x165,
  CKM_RSA_PKCS_OAEP: 9,
  CKM_SHA_1: 0x220,
  CKM_SHA256: 0x250,
  CKM_AES_KEY_GEN: 0x1080,
  CKG_MGF1_SHA1: 1,
  CKG_MGF1_SHA256: 2,
  CKZ_DATA_SPECIFIED: 1,
  /** Constant of pkcs11js for the OAEP parameters. */
  CK_PARAMS_RSA_OAEP: 4,
} as const;

const CKR_USER_ALREADY_LOGGED_IN = 0x100;
const CKR_ALREADY_INITIALIZED = 0x191;
/** Messages for login errors. */
const LOGIN_REASONS: Readonly<Record<number, string>> = {
  160: 'the PIN is wrong',
  161: 'the PIN has characters that the token does not accept',
  162: 'the PIN is too short or too long',
  163: 'the PIN has expired',
  164: 'it is locked after too many wrong PINs',
  258: 'its user PIN is not set',
};
/** Messages for error codes whose name is not clear enough. */
const REASONS: Readonly<Record<number, string>> = {
  49: 'its memory is full',
  50: 'it was removed',
  224: 'it no longer exists',
};

/** Location and PIN of a token. */
export interface TokenAddress {
  /** Absolute path of the PKCS#11 library. */
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
  /** Absolute path of the file that holds the user PIN; a trailing line end is ignored. */
  readonly pinFile: string | undefined;
  /** The PIN itself, used if no file is named. */
  readonly pin: string | undefined;
}

/** A logged-in session. Every call blocks until the module responds: PKCS#11 has no asynchronous calls. */
export interface TokenSession {
  readonly library: PKCS11;
  readonly slot: Handle;
  readonly session: Handle;
  readonly token: string;
}

/**
 * Loads the module, logs in to the token, does the work, and logs out: no session stays open while Terraform runs.
 *
 * @throws KeyturnError `hsm-unavailable`, `hsm-pin`, `hsm-failed`
 */
export async function withToken<T>(address: TokenAddress, work: (session: TokenSession) => T): Promise<T> {
  const pin = await readPin(address);
  const { library, release } = await openLibrary(address.module);
  try {
    const slot = findToken(library, address);
    const session = attempt(address.token, 'open a session', () =>
      library.C_OpenSession(slot, CK.CKF_SERIAL_SESSION | CK.CKF_RW_SESSION),
    );
    try {
      logIn(library, session, address.token, pin);
      return work({ library, slot, session, token: address.token });
    } finally {
      quietly(() => library.C_CloseSession(session));
    }
  } finally {
    release();
  }
}

/** Runs one call of the module. @throws KeyturnError `hsm-failed` with the module's own code */
export function attempt<T>(token: string, action: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const code = codeOf(error);
    const reason = REASONS[code] ?? nameOf(error);
    throw new KeyturnError('hsm-failed', { token, action, reason }, error);
  }
}

/** `CKR_…`, as the native package names it. */
export const nameOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const codeOf = (error: unknown): number => Number((error as { code?: unknown } | undefined)?.code ?? 0);

/** The text of a fixed-size field, which modules pad with spaces or NUL. */
const fieldText = (text: string): string => text.replace(/[\0 ]+$/, '');

async function readPin({ token, pinFile, pin }: TokenAddress): Promise<string> {
  if (pinFile === undefined) {
    if (pin) return pin;
    throw new KeyturnError('hsm-pin', {
      token,
      reason: 'neither custody.pkcs11.pinFile nor KEYTURN_PKCS11_PIN is given',
    });
  }
  try {
    return (await readFile(pinFile, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    throw new KeyturnError('hsm-pin', { token, reason: `${pinFile} cannot be read: ${nameOf(error)}` }, error);
  }
}

async function openLibrary(module: string): Promise<{ readonly library: PKCS11; release(): void }> {
  const native = await import('pkcs11js').catch((error: unknown) => {
    const reason = 'the optional package pkcs11js is not built (npm rebuild pkcs11js --ignore-scripts=false)';
    throw new KeyturnError('hsm-unavailable', { module, reason }, error);
  });
  const library = new native.PKCS11();
  let opened = false;
  try {
    library.load(module);
    library.C_Initialize();
    opened = true;
  } catch (error) {
    if (codeOf(error) !== CKR_ALREADY_INITIALIZED) {
      quietly(() => library.close());
      throw new KeyturnError('hsm-unavailable', { module, reason: nameOf(error) }, error);
    }
  }
  return {
    library,
    release() {
      if (opened) quietly(() => library.C_Finalize());
      quietly(() => library.close());
    },
  };
}

function findToken(library: PKCS11, { module, token }: TokenAddress): Handle {
  const labels = new Map<string, Handle>();
  const slots = attempt(token, 'list its slots', () => library.C_GetSlotList(true));
  for (const slot of slots) {
    try {
      labels.set(fieldText(library.C_GetTokenInfo(slot).label), slot);
    } catch {
      // A slot whose token was removed in between or never initialized does not match.
    }
  }
  const found = labels.get(token);
  if (found) return found;
  const others = [...labels.keys()].filter((label) => label !== '');
  const seen = others.length > 0 ? `it has ${others.join(', ')}` : 'it has none';
  throw new KeyturnError('hsm-unavailable', { module, reason: `it has no token ${token}; ${seen}` });
}

function logIn(library: PKCS11, session: Handle, token: string, pin: string): void {
  try {
    library.C_Login(session, CK.CKU_USER, pin);
  } catch (error) {
    const code = codeOf(error);
    if (code === CKR_USER_ALREADY_LOGGED_IN) return;
    throw new KeyturnError('hsm-pin', { token, reason: LOGIN_REASONS[code] ?? nameOf(error) }, error);
  }
}

/** Errors during cleanup must not hide an earlier error. */
function quietly(call: () => void): void {
  try {
    call();
  } catch {
    // The module is being released; this error has no consequence.
  }
}

/** Handles of every object that matches the template. */
export function findObjects({ library, session, token }: TokenSession, template: Template): Handle[] {
  return attempt(token, 'find its keys', () => {
    library.C_FindObjectsInit(session, template);
    try {
      return library.C_FindObjects(session, 16);
    } finally {
      library.C_FindObjectsFinal(session);
    }
  });
}
