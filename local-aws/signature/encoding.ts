/**
 * The percent-encoding of Signature Version 4: everything but `A-Z a-z 0-9 - . _ ~`, in upper-case hex of UTF-8.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function uriEncode(text: string): string {
  if (/^[A-Za-z0-9\-._~]*$/.test(text)) return text;
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Decoded query parameters in wire order, duplicates kept. Throws `URIError` for what is no percent-encoded UTF-8. */
export function parseQuery(rawQuery: string): (readonly [string, string])[] {
  if (rawQuery === '') return [];
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      return equals === -1
        ? ([queryDecode(pair), ''] as const)
        : ([queryDecode(pair.slice(0, equals)), queryDecode(pair.slice(equals + 1))] as const);
    });
}

function queryDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
