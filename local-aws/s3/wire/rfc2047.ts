const UNSAFE = /[^\t\u0020-\u007e]/;
const WORD = /=\?utf-8\?([bq])\?([^?]*)\?=/gi;

/**
 * User metadata as S3 sends it back: values that are not plain ASCII as an RFC 2047 word.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata
 */
export function encodeMetadata(value: string): string {
  return UNSAFE.test(value) ? `=?UTF-8?B?${Buffer.from(value).toString('base64')}?=` : value;
}

/** The inverse, which S3 applies to what it is sent, so that metadata read from one object can be put on another. */
export function decodeMetadata(value: string): string {
  if (!value.includes('=?')) return value;
  return value.replace(WORD, (_word, coding: string, text: string) =>
    coding.toLowerCase() === 'b' ? Buffer.from(text, 'base64').toString('utf8') : unquote(text),
  );
}

function unquote(text: string): string {
  const bytes = text
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
