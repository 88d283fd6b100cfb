#!/usr/bin/env node
// A custodian command for Keyturn (contract keyturn-custodian/1, see ../custodian-command.md), to start your own from.
// It keeps each copy in $CUSTODIAN_FOLDER, encrypted with AES-256-GCM under the 32-byte key in $CUSTODIAN_KEY_FILE.
// Replace `keep` and `fetch` by calls to your own vault; leave the reading and the answering as they are.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CONTRACT = 'keyturn-custodian/1';
const ALREADY_HELD = 3;

const input = readFileSync(0);
const end = input.indexOf(0x0a);
const request = JSON.parse(input.toString('utf8', 0, end));
if (request.contract !== CONTRACT) stop(`this custodian speaks ${CONTRACT}, not ${request.contract}`);

const folder = process.env.CUSTODIAN_FOLDER ?? stop('CUSTODIAN_FOLDER is not set');
const path = join(folder, `${request.rotation}-${request.version}`);
const key = () => readFileSync(process.env.CUSTODIAN_KEY_FILE ?? stop('CUSTODIAN_KEY_FILE is not set'));

if (request.action === 'held') held();
else if (request.action === 'store') store(input.subarray(end + 1));
else if (request.action === 'open') open();
else stop(`unknown action ${request.action}`);

function held() {
  if (!existsSync(`${path}.json`)) return answer({ held: false });
  return answer({ held: true, binding: JSON.parse(readFileSync(`${path}.json`, 'utf8')).binding });
}

function store(material) {
  if (material.length !== 32) stop(`expected 32 bytes of material, got ${material.length}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { binding } = request;
  try {
    keep({ binding, ...encrypt(material) });
  } catch (error) {
    if (error.code === 'EEXIST') process.exit(ALREADY_HELD);
    throw error;
  } finally {
    material.fill(0);
  }
  answer({});
}

function open() {
  const material = decrypt(fetch());
  answer({}, material);
  material.fill(0);
}

/** Exclusive: a copy is never overwritten. */
function keep(copy) {
  writeFileSync(`${path}.json`, JSON.stringify(copy), { flag: 'wx', mode: 0o600, flush: true });
}

function fetch() {
  return JSON.parse(readFileSync(`${path}.json`, 'utf8'));
}

function encrypt(material) {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key(), nonce);
  const body = Buffer.concat([cipher.update(material), cipher.final()]);
  return { nonce: nonce.toString('hex'), body: body.toString('hex'), tag: cipher.getAuthTag().toString('hex') };
}

function decrypt({ nonce, body, tag }) {
  const decipher = createDecipheriv('aes-256-gcm', key(), Buffer.from(nonce, 'hex'));
  decipher.setAuthTag(Buffer.from(tag, 'hex'));
  return Buffer.concat([decipher.update(Buffer.from(body, 'hex')), decipher.final()]);
}

function answer(fields, material = Buffer.alloc(0)) {
  writeFileSync(1, Buffer.concat([Buffer.from(`${JSON.stringify({ contract: CONTRACT, ...fields })}\n`), material]));
}

function stop(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
