const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Escapes text for XML content and attributes; control characters become references, so that a parser gives them back. */
export function escapeXml(text: string): string {
  return text
    .replace(/[&<>"']/g, (c) => entities[c] ?? c)
    .replace(/[^\t\n -~\u0080-\uffff]/g, (c) => `&#x${c.charCodeAt(0).toString(16)};`);
}

/** `<name>text</name>` for each entry, in order. */
export function xmlElements(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`)
    .join('');
}
