import fc from 'fast-check';
import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser';
import { readXml, type XmlElement } from '../../../../local-aws/s3/wire/xml-reader';
import { bool, integer, many, maybe, one, oneOf, readBody, shape, text } from '../../../../local-aws/s3/wire/xml-shape';
import { branch, leaf, xmlDocument } from '../../../../local-aws/s3/wire/xml-writer';
import { codeOf } from '../fixture';

const parser = new XMLParser({ parseTagValue: false, trimValues: false, ignoreDeclaration: true });

/** Text that XML 1.0 can hold: no control characters, no line ends that a parser would fold. */
const printable = fc.string({ unit: 'binary' }).filter((value) => !/[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(value));

/** NUL alone cannot be named in XML. */
const withoutNul = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'));

const read = (source: string | Buffer) => readXml(Buffer.from(source));
const tree = (element: XmlElement): unknown =>
  element.children.length === 0 ? element.text : element.children.map((child) => [child.name, tree(child)]);

describe('what is written', () => {
  test('is read alike by another parser', () => {
    fc.assert(
      fc.property(printable, printable, (first, second) => {
        const document = xmlDocument('Root', branch('Branch', leaf('Text', first)), leaf('Text', second));
        expect(XMLValidator.validate(document)).toBe(true);
        expect(parser.parse(document)).toEqual({ Root: { Branch: { Text: first }, Text: second } });
      }),
    );
  });

  test('is read back whole, control characters and all', () => {
    fc.assert(
      fc.property(withoutNul, (value) => {
        expect(read(xmlDocument('Root', leaf('Text', value))).children[0]?.text).toBe(value);
      }),
    );
  });

  test('names no control character but by reference', () => {
    expect(leaf('Key', '\u0001\r\t"&<>')).toBe('<Key>&#x1;&#13;\t&quot;&amp;&lt;&gt;</Key>');
  });
});

describe('what is read', () => {
  test('is what another writer wrote', () => {
    const builder = new XMLBuilder({ format: true, suppressEmptyNode: true });
    fc.assert(
      fc.property(fc.array(fc.record({ Key: printable, Value: printable }), { minLength: 1 }), (tags) => {
        const source: string = builder.build({ Tagging: { Tag: tags } });
        const reader = shape({ Tag: many(shape({ Key: one(text), Value: one(text) })) });
        expect(readBody(Buffer.from(source), 'Tagging', reader).Tag).toEqual(tags);
      }),
    );
  });

  test('may have a declaration, comments, attributes, CDATA, references and empty tags', () => {
    const source = `<?xml version="1.0"?><!-- a --> <a xmlns="urn:x" xsi:type='t&amp;'>\n <b><![CDATA[<&>]]>&#65;&#x1;&quot;</b><!-- c --><c /> </a>\n<!-- d -->`;
    const root = read(source);
    expect(tree(root)).toEqual([
      ['b', '<&>A\u0001"'],
      ['c', ''],
    ]);
    expect([...root.attributes]).toEqual([['xsi:type', 't&']]);
  });

  test.each([
    ['nothing', ''],
    ['text alone', 'hello'],
    ['an open element', '<a>'],
    ['crossed tags', '<a><b></a></b>'],
    ['two roots', '<a/><b/>'],
    ['text after the root', '<a/>x'],
    ['text beside elements', '<a>x<b/></a>'],
    ['a document type', '<!DOCTYPE a><a/>'],
    ['a processing instruction', '<a><?php ?></a>'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['a bare ampersand', '<a>a & b</a>'],
    ['a reference to no character', '<a>&#x0;</a>'],
    ['a reference to a surrogate', '<a>&#xd800;</a>'],
    ['an attribute without quotes', '<a b=c/>'],
    ['an attribute twice', '<a b="1" b="2"/>'],
    ['a raw control character', '<a>\u0001</a>'],
    ['a name that starts with a digit', '<1a/>'],
    ['nesting without end', '<a>'.repeat(100) + '</a>'.repeat(100)],
  ])('refuses %s', (_what, source) => {
    expect(codeOf(() => read(source))).toBe('MalformedXML');
  });

  test('refuses bytes that are no UTF-8', () => {
    expect(codeOf(() => read(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e])))).toBe('MalformedXML');
  });
});

describe('a shape', () => {
  const reader = shape({
    Name: one(text),
    Size: maybe(integer),
    On: maybe(bool),
    Kind: maybe(oneOf('A', 'B')),
    Item: many(text),
  });
  const parse = (inner: string) => readBody(Buffer.from(`<Thing>${inner}</Thing>`), 'Thing', reader);

  test('gives what is there, typed', () => {
    expect(parse('<Name>n</Name><Size>7</Size><On>TRUE</On><Kind>B</Kind><Item>1</Item><Item>2</Item>')).toEqual({
      Name: 'n',
      Size: 7,
      On: true,
      Kind: 'B',
      Item: ['1', '2'],
    });
    expect(parse('<Name/>')).toEqual({ Name: '', Size: undefined, On: undefined, Kind: undefined, Item: [] });
  });

  test.each([
    ['a missing field', '<Size>7</Size>'],
    ['a field twice', '<Name>n</Name><Name>n</Name>'],
    ['an unknown field', '<Name>n</Name><Nome>n</Nome>'],
    ['a number that is none', '<Name>n</Name><Size>x</Size>'],
    ['a boolean that is none', '<Name>n</Name><On>1</On>'],
    ['a value out of the list', '<Name>n</Name><Kind>C</Kind>'],
    ['elements where text belongs', '<Name><b/></Name>'],
    ['text where elements belong', 'text'],
  ])('refuses %s', (_what, inner) => {
    expect(codeOf(() => parse(inner))).toBe('MalformedXML');
  });

  test('refuses another root', () => {
    expect(codeOf(() => readBody(Buffer.from('<Other><Name/></Other>'), 'Thing', reader))).toBe('MalformedXML');
  });
});
