import type { WrappingRequest } from '../lib/key-material/ceremony/wrapping-request';

/** The facts that two people compare before wrapping, one per line. */
export function requestLines(request: WrappingRequest): readonly string[] {
  return [
    `rotation      ${request.rotation}, key version ${request.version}`,
    `key           ${request.keyArn}`,
    `fingerprint   ${spoken(request.publicKeySha256)}`,
    `wrapping      ${request.algorithm} under ${request.wrappingKeySpec}`,
    `valid until   ${request.validTo}`,
  ];
}

/** Hex in groups of four, to be read out loud. */
export const spoken = (hex: string): string => (hex.match(/.{1,4}/g) ?? []).join(' ');
