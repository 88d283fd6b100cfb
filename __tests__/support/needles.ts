import { gunzipSync, inflateRawSync } from 'node:zlib';

/** The forms in which 32 bytes could show up somewhere: raw, hex, base64 at each of its three alignments, and their reverse. */
export function needlesOf(bytes: Buffer): readonly Buffer[] {
  const forms = [bytes, Buffer.from(bytes).reverse()];
  return forms.flatMap((form) => {
    const hex = form.toString('hex');
    const aligned = [0, 1, 2].map((offset) => alignedBase64(form, offset));
    const texts = [
      hex,
      hex.toUpperCase(),
      ...aligned,
      ...aligned.map((one) => one.replaceAll('+', '-').replaceAll('/', '_')),
    ];
    return [form, ...texts.map((one) => Buffer.from(one, 'latin1'))];
  });
}

/** The base64 digits that stand for these bytes whatever comes before and after them. */
function alignedBase64(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor(((offset + bytes.length) * 8) / 6);
  return encoded.slice(first, last);
}

/** True when any of the needles stands in the content, also inside gzip and inside the members of a zip file. */
export function containsAny(content: Buffer, needles: readonly Buffer[]): boolean {
  return unpacked(content).some((one) => needles.some((needle) => one.includes(needle)));
}

function unpacked(content: Buffer): readonly Buffer[] {
  if (content.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]))) return [content, gunzipSync(content)];
  if (content.subarray(0, 4).equals(Buffer.from('PK\u0003\u0004', 'latin1'))) return [content, ...zipMembers(content)];
  return [content];
}

/** Members of a zip by its central directory, each inflated. */
function zipMembers(zip: Buffer): readonly Buffer[] {
  const members: Buffer[] = [];
  let at = zip.indexOf(Buffer.from('PK\u0001\u0002', 'latin1'));
  while (at >= 0 && zip.readUInt32LE(at) === 0x02014b50) {
    const compressed = zip.readUInt32LE(at + 20);
    const header = zip.readUInt32LE(at + 42);
    const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
    const data = zip.subarray(start, start + compressed);
    members.push(zip.readUInt16LE(at + 10) === 8 ? inflateRawSync(data) : data);
    at += 46 + zip.readUInt16LE(at + 28) + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return members;
}
