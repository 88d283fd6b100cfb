import type { AwsBehavior } from '../behavior';
import type { AwsRequest, AwsResponse, Clock, DataKeys, Service } from '../message';
import { KmsFault } from '../message';
import { jsonError } from '../wire/errors';
import type { Call, Kms } from './call';
import { createDataKeys } from './data-keys';
import type { Operation } from './operation';
import { aliasOperations } from './operations/aliases';
import { cryptoOperations } from './operations/crypto';
import { dataKeyOperations } from './operations/data-keys';
import { grantOperations } from './operations/grants';
import { importOperations } from './operations/import';
import { keyOperations } from './operations/keys';
import { multiRegionOperations } from './operations/multi-region';
import { policyOperations } from './operations/policies';
import { rotationOperations } from './operations/rotation';
import { signingOperations } from './operations/signing';
import { tagOperations } from './operations/tags';
import { usageOperations } from './operations/usage';
import { createThrottle, type Quotas } from './quota';
import { contextIn, recordCall } from './recorded-call';
import { createImportTokens } from './state/import-token';
import { KmsStores } from './state/store';
import { createWrappingKeys, type WrappingKeySource, wrappingKeys } from './state/wrapping-keys';

export interface KmsOptions {
  /** Every Region that is served. */
  readonly regions: readonly string[];
  readonly clock: Clock;
  /** How many calls on a new key find nothing. */
  newKeyLag(): number;
  /** How long an on-demand rotation takes by the clock, in milliseconds. */
  rotationDelay(): number;
  /** How long a replica takes to be made, and a primary Region to change, by the clock, in milliseconds. */
  multiRegionDelay(): number;
  readonly permissions: Kms['permissions'];
  readonly quotas: Quotas;
  readonly trail: Kms['trail'];
  /** Default: a new key each time. */
  readonly wrappingKeySource: WrappingKeySource | undefined;
  readonly behavior: AwsBehavior;
}

const operations: Readonly<Record<string, Operation>> = {
  ...keyOperations,
  ...aliasOperations,
  ...policyOperations,
  ...tagOperations,
  ...rotationOperations,
  ...importOperations,
  ...cryptoOperations,
  ...dataKeyOperations,
  ...grantOperations,
  ...signingOperations,
  ...multiRegionOperations,
  ...usageOperations,
};

/** The operations served, by the names of the API reference. */
export const kmsOperations: readonly string[] = Object.keys(operations).sort();

const targetPrefix = 'TrentService.';

/** What a request says it is: `Unknown` for a target of another service. */
export function kmsOperationOf({ headers }: Pick<AwsRequest, 'headers'>): string {
  const target = headers['x-amz-target'] ?? '';
  return target.startsWith(targetPrefix) ? target.slice(targetPrefix.length) : 'Unknown';
}

/** Key Management Service, awsJson1.1. https://docs.aws.amazon.com/kms/latest/APIReference/ */
export function createKms(options: KmsOptions): { readonly service: Service; dataKeysIn(region: string): DataKeys } {
  const { wrappingKeySource: source } = options;
  const kms: Kms = {
    stores: new KmsStores(options),
    wrappingKeys: source === undefined ? wrappingKeys : createWrappingKeys(source),
    importTokens: createImportTokens(),
    handedOut: new Map(),
    permissions: options.permissions,
    behavior: options.behavior,
    rotationDelay: options.rotationDelay,
    multiRegionDelay: options.multiRegionDelay,
    throttle: createThrottle(options.quotas, options.clock),
    trail: options.trail,
  };
  return { service: (request) => serve(kms, request), dataKeysIn: (region) => createDataKeys(kms, region) };
}

async function serve(kms: Kms, request: AwsRequest): Promise<AwsResponse> {
  const { requestId, caller } = request;
  const name = kmsOperationOf(request);
  const known = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (request.method !== 'POST' || known === undefined) {
    return jsonError('UnknownOperationException', `This endpoint has no operation ${name}.`, 400, requestId);
  }
  const store = kms.stores.of(request.region, caller.accountId);
  const call: Call = { ...kms, store, operation: name, caller, requestId, about: [] };
  let input: unknown;
  try {
    input = parse(request.body);
    const output = await known.run(call, input);
    recordCall({ ...call, encryptionContext: contextIn(input) });
    return {
      status: 200,
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amzn-requestid': requestId,
        'cache-control': 'no-cache, no-store, must-revalidate, private',
      },
      body: hasOutput(output) ? JSON.stringify(output) : '',
    };
  } catch (error) {
    if (!(error instanceof KmsFault)) throw error;
    recordCall({ ...call, encryptionContext: contextIn(input) }, error);
    return jsonError(error.code, error.message, error.status, requestId);
  }
}

/** Operations without an output shape answer an empty body, not an empty document. */
const hasOutput = (output: object): boolean => Object.keys(output).length > 0;

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8') || '{}');
  } catch {
    throw new KmsFault('SerializationException', 'Request body is not valid JSON.');
  }
}
