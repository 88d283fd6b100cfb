import { setFlagsFromString } from 'node:v8';
import type { S3Client } from '@aws-sdk/client-s3';

import { openDirectClient } from './direct-client';
import { createDirectStore } from './direct-store';
import { createSdkStore } from './sdk-store';
import type { ObjectStore } from './store';

/** A store through the direct S3 client, and what closes its connections. The SDK client stays the caller's. */
export interface OpenedStore {
  readonly store: ObjectStore;
  close(): Promise<void>;
}

/**
 * Percent by which the old part of the heap may outgrow what lives there before it is collected. Millions of requests
 * leave garbage that lived just long enough to get there; V8's default lets it grow to several times what lives.
 */
const HEAP_GROWING_PERCENT = 30;

/**
 * The store that commands use: bulk calls through the direct S3 client, the few others through the SDK client.
 *
 * @param owner - id of the account that must own every bucket; absent: any may
 */
export function openStore(s3: S3Client, owner?: string): OpenedStore {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
  const direct = openDirectClient(s3);
  return { store: createDirectStore(direct, createSdkStore(s3, owner), owner), close: () => direct.close() };
}
