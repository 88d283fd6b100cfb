import { declareKeys } from './declare-keys';
import { importMaterial } from './import-material';
import { record } from './record';
import { reencrypt } from './reencrypt';
import { retire } from './retire';
import type { Step } from './step';
import { switchActive } from './switch-active';
import { verify } from './verify';

/** The whole flow, in order. The command line, `status`, the README's table and the evidence derive from it. */
export const flow: readonly Step[] = [declareKeys, importMaterial, switchActive, reencrypt, verify, retire, record];
