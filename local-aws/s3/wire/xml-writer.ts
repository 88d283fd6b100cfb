/** Markup, and control characters but tab and newline. */
const NEEDS_ESCAPE = /[&<>"\ufffe\uffff]|(?![\t\n])\p{Cc}/u;
const ESCAPES = new RegExp(NEEDS_ESCAPE, 'gu');
const NAMED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

/** XML's namespace of every S3 answer but the error document. */
export const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/**
 * Text made safe for element content and attribute values. Control characters become character references as S3 sends
 * them, which XML 1.0 parsers may refuse: a client that lists such keys asks for `encoding-type=url`.
 */
export function escapeXml(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return text;
  return text.replace(ESCAPES, (char) => NAMED[char] ?? `&#x${char.charCodeAt(0).toString(16)};`);
}

/** `<name>value</name>`, or nothing when the value is undefined. */
export function leaf(name: string, value: string | number | boolean | undefined): string {
  if (value === undefined) return '';
  return `<${name}>${typeof value === 'string' ? escapeXml(value) : value}</${name}>`;
}

/** An element around children that are already written. */
export function branch(name: string, ...children: readonly string[]): string {
  return `<${name}>${children.join('')}</${name}>`;
}

/** A whole answer: declaration, root element in S3's namespace, children that are already written. */
export function xmlDocument(root: string, ...children: readonly string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${S3_NAMESPACE}">${children.join('')}</${root}>`;
}
