import { s3Fault } from '../fault';

/** One element: attributes without namespace declarations, children in order, and the text of a leaf. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

interface Open {
  readonly name: string;
  readonly attributes: Map<string, string>;
  readonly children: XmlElement[];
  text: string;
}

const NAME = /[A-Za-z_][A-Za-z0-9_.:-]*/y;
const SPACE = /[ \t\r\n]*/y;
/** C0 controls but tab and line ends: XML has no place for them. */
const RAW_CONTROL = /(?![\t\n\r\u007f-\u009f])\p{Cc}/u;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const MAX_DEPTH = 32;

/**
 * Reads a request document. Strict: UTF-8, one root, no DTD, no processing instruction after the declaration, matching
 * tags, no text beside elements. Character references may name control characters, as keys need them.
 *
 * @throws S3Fault `MalformedXML`.
 */
export function readXml(body: Buffer): XmlElement {
  return new XmlScanner(decode(body)).document();
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

function decode(body: Buffer): string {
  try {
    return UTF8.decode(body);
  } catch {
    throw s3Fault('MalformedXML');
  }
}

class XmlScanner {
  private readonly source: string;
  private at = 0;

  constructor(source: string) {
    if (RAW_CONTROL.test(source)) throw s3Fault('MalformedXML');
    this.source = source;
  }

  document(): XmlElement {
    if (this.source.startsWith('<?xml')) {
      const end = this.source.indexOf('?>');
      if (end < 0) throw s3Fault('MalformedXML');
      this.at = end + 2;
    }
    this.skipMisc();
    const root = this.element(0);
    this.skipMisc();
    if (this.at !== this.source.length) throw s3Fault('MalformedXML');
    return root;
  }

  private element(depth: number): XmlElement {
    if (depth > MAX_DEPTH) throw s3Fault('MalformedXML');
    this.expect('<');
    const open: Open = { name: this.name(), attributes: new Map(), children: [], text: '' };
    if (this.attributes(open)) return finish(open);
    for (;;) {
      const tag = this.source.indexOf('<', this.at);
      if (tag < 0) throw s3Fault('MalformedXML');
      open.text += resolveReferences(this.source.slice(this.at, tag));
      this.at = tag;
      if (this.source.startsWith('</', tag)) break;
      if (this.source.startsWith('<!--', tag)) this.skipTo('-->');
      else if (this.source.startsWith('<![CDATA[', tag)) open.text += this.cdata();
      else open.children.push(this.element(depth + 1));
    }
    this.at += 2;
    if (this.name() !== open.name) throw s3Fault('MalformedXML');
    this.space();
    this.expect('>');
    return finish(open);
  }

  /** Reads attributes up to the end of the start tag; true for an empty-element tag. */
  private attributes(open: Open): boolean {
    for (;;) {
      const before = this.at;
      this.space();
      if (this.source.startsWith('/>', this.at)) {
        this.at += 2;
        return true;
      }
      if (this.source[this.at] === '>') {
        this.at += 1;
        return false;
      }
      if (before === this.at) throw s3Fault('MalformedXML');
      this.attribute(open.attributes);
    }
  }

  private attribute(into: Map<string, string>): void {
    const name = this.name();
    this.space();
    this.expect('=');
    this.space();
    const quote = this.source[this.at];
    if (quote !== '"' && quote !== "'") throw s3Fault('MalformedXML');
    const end = this.source.indexOf(quote, this.at + 1);
    if (end < 0 || into.has(name)) throw s3Fault('MalformedXML');
    const raw = this.source.slice(this.at + 1, end);
    if (raw.includes('<')) throw s3Fault('MalformedXML');
    into.set(name, resolveReferences(raw));
    this.at = end + 1;
  }

  private cdata(): string {
    const start = this.at + '<![CDATA['.length;
    this.skipTo(']]>');
    return this.source.slice(start, this.at - 3);
  }

  private skipMisc(): void {
    for (;;) {
      this.space();
      if (!this.source.startsWith('<!--', this.at)) return;
      this.skipTo('-->');
    }
  }

  private skipTo(end: string): void {
    const found = this.source.indexOf(end, this.at);
    if (found < 0) throw s3Fault('MalformedXML');
    this.at = found + end.length;
  }

  private name(): string {
    NAME.lastIndex = this.at;
    const match = NAME.exec(this.source);
    if (match === null) throw s3Fault('MalformedXML');
    this.at = NAME.lastIndex;
    return match[0];
  }

  private space(): void {
    SPACE.lastIndex = this.at;
    SPACE.exec(this.source);
    this.at = SPACE.lastIndex;
  }

  private expect(char: string): void {
    if (this.source[this.at] !== char) throw s3Fault('MalformedXML');
    this.at += 1;
  }
}

function finish(open: Open): XmlElement {
  if (open.children.length > 0 && open.text.trim() !== '') throw s3Fault('MalformedXML');
  for (const name of open.attributes.keys()) {
    if (name === 'xmlns' || name.startsWith('xmlns:')) open.attributes.delete(name);
  }
  return open;
}

function resolveReferences(raw: string): string {
  if (!raw.includes('&')) return raw.includes('\r') ? raw.replace(/\r\n?/g, '\n') : raw;
  const normal = raw.replace(/\r\n?/g, '\n');
  return normal.replace(/&([^;&]*)(;?)/g, (_whole, body: string, end: string) => {
    if (end !== ';') throw s3Fault('MalformedXML');
    const named = ENTITIES[body];
    if (named !== undefined) return named;
    const numeric = /^#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}))$/.exec(body);
    const code =
      numeric === null ? 0 : Number.parseInt(numeric[1] ?? numeric[2] ?? '0', numeric[1] === undefined ? 10 : 16);
    if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw s3Fault('MalformedXML');
    return String.fromCodePoint(code);
  });
}
