import type { AwsResponse } from '../message';
import { iamNamespace } from '../wire/errors';
import { escapeXml } from '../wire/xml';

/** A value in an answer: a list is written as `member` elements, what is undefined is left out. */
export type Value = string | number | boolean | undefined | readonly Value[] | { readonly [name: string]: Value };

export function elements(values: { readonly [name: string]: Value }): string {
  return Object.entries(values)
    .map(([name, value]) => (value === undefined ? '' : `<${name}>${content(value)}</${name}>`))
    .join('');
}

function content(value: Exclude<Value, undefined>): string {
  if (typeof value === 'string') return escapeXml(value);
  if (typeof value !== 'object') return String(value);
  return isList(value) ? value.map((member) => elements({ member })).join('') : elements(value);
}

const isList = (value: object): value is readonly Value[] => Array.isArray(value);

/** The answer of an operation; `result` is undefined for one that answers nothing. */
export function iamAnswer(
  operation: string,
  result: { readonly [name: string]: Value } | undefined,
  requestId: string,
): AwsResponse {
  const body = result === undefined ? '' : `<${operation}Result>${elements(result)}</${operation}Result>`;
  const metadata = elements({ ResponseMetadata: { RequestId: requestId } });
  return {
    status: 200,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
    body: `<${operation}Response xmlns="${iamNamespace}">${body}${metadata}</${operation}Response>`,
  };
}

/** A policy document as IAM hands it out: percent-encoded after RFC 3986. */
export function encodeDocument(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
