import { crc32, deflateRawSync } from 'node:zlib';

/** A plan file that Terraform 1.11.4 made of a stack with one output and a local backend. */
export const PLAN_FILE = Buffer.from(
  [
    'UEsDBBQACAAIAPOAfF0AAAAAAAAAAAAAAAAGAAkAdGZwbGFuVVQFAAFL/Apr4mBWkuBiTBQS5mAU4ufinXSEQ6m4pCgzL11pYUWWGRdrTn5y',
    'Yo6QCpdS05KCxJKMNXp6+hV6JWnFJYklqWvL84uyiwsSk1PjUzKLDkixp6SmJZbmlBSxGeoZGuqZrGIUMTIwMtM1NNQ1sggxNLMyMLcytow6',
    'wch4gZEREAAA//9QSwcIGPdII4AAAAB5AAAAUEsDBBQACAAIAPOAfF0AAAAAAAAAAAAAAAAHAAkAdGZzdGF0ZVVUBQABS/wKa0SN0QrCMAxF',
    '3/sVIc8yHOxpvyIyyoizGNuRNKJI/10aQd+Scw/3vgMAPkg0lYwzTIf+VxKJlyL35Z/gOIzjMKELSpIi4wxHfzlliht165sXq7tVxRl6PwDG',
    '39nnIpvLT7ed1dfuSKukvKHjFgCa9wlpMVmpN57OjtYrrbdFSI19KBtzaOETAAD//1BLBwi7efyTigAAANAAAABQSwMEFAAIAAgA84B8XQAA',
    'AAAAAAAAAAAAAAwACQB0ZnN0YXRlLXByZXZVVAUAAUv8CmtEir0KAjEMgPc+Rcgsh4Wb+ioiRylRi7GVpHE57t2lcXD8fvYAgB8Srb1hgvU0',
    'eZBIvnV5bf+CcYlxWdEHJamZMcHZkWujfKd5/Xq38bahmGA/XAhpNyk01eXqqjyoPDchNfazGXM4wjcAAP//UEsHCMj7zXttAAAAkQAAAFBL',
    'AwQUAAgACADzgHxdAAAAAAAAAAAAAAAAFwAJAHRmY29uZmlnL20tL2Nkay50Zi5qc29uVVQFAAFL/AprFMpBCoAgFIThfceYddje27zsSZCl',
    '2BiCePd4m+GD+QeotUrM9YYf2CVc+hzGlIMkQxGe8HBu647xpVAx51yRG0ujJWLzSWoKj27v8gcAAP//UEsHCNNJxXJRAAAAWQAAAFBLAwQU',
    'AAgACADzgHxdAAAAAAAAAAAAAAAAFQAJAHRmY29uZmlnL21vZHVsZXMuanNvblVUBQABS/wKa4rmUlCo5lJQUFBQ8k6tVLJSUFLSgXBdMotA',
    'XD0lLgWFWq5YQAAAAP//UEsHCJ2lax0pAAAAKQAAAFBLAwQUAAgACADzgHxdAAAAAAAAAAAAAAAAEwAJAC50ZXJyYWZvcm0ubG9jay5oY2xV',
    'VAUAAUv8CmsUy8ENwyAMBdB7pvhK7tmkty5gilG/ZEwF9oHtqwzwLry/XGg0BRe60EPoWiEZo0vwI2YbZeMMnVPamB10xnkfF17iKQatjAdv',
    'FIWNFaCjZeRU5K9K6LqPfwAAAP//UEsHCLpfsNVeAAAAawAAAFBLAQIUABQACAAIAPOAfF0Y90gjgAAAAHkAAAAGAAkAAAAAAAAAAAAAAAAA',
    'AAB0ZnBsYW5VVAUAAUv8CmtQSwECFAAUAAgACADzgHxdu3n8k4oAAADQAAAABwAJAAAAAAAAAAAAAAC9AAAAdGZzdGF0ZVVUBQABS/wKa1BL',
    'AQIUABQACAAIAPOAfF3I+817bQAAAJEAAAAMAAkAAAAAAAAAAAAAAIUBAAB0ZnN0YXRlLXByZXZVVAUAAUv8CmtQSwECFAAUAAgACADzgHxd',
    '00nFclEAAABZAAAAFwAJAAAAAAAAAAAAAAA1AgAAdGZjb25maWcvbS0vY2RrLnRmLmpzb25VVAUAAUv8CmtQSwECFAAUAAgACADzgHxdnaVr',
    'HSkAAAApAAAAFQAJAAAAAAAAAAAAAADUAgAAdGZjb25maWcvbW9kdWxlcy5qc29uVVQFAAFL/AprUEsBAhQAFAAIAAgA84B8XbpfsNVeAAAA',
    'awAAABMACQAAAAAAAAAAAAAASQMAAC50ZXJyYWZvcm0ubG9jay5oY2xVVAUAAUv8CmtQSwUGAAAAAAYABgCiAQAA8QMAAAAA',
  ].join(''),
  'base64',
);

/** The `cdk.tf.json` that it was made of. */
export const PLANNED_STACK =
  '{"terraform":{"backend":{"local":{"path":"../x.tfstate"}}},"output":{"a":{"value":"x"}}}\n';

/** A zip file of these entries, in this order; a name may stand in it twice. */
export function zipOf(entries: readonly (readonly [string, Buffer | string])[], between = Buffer.alloc(0)): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, given] of entries) {
    const content = Buffer.from(given);
    const packed = deflateRawSync(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const file = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), common, Buffer.from(name), packed, between]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    const head = Buffer.concat([Buffer.from('PK\u0001\u0002', 'latin1'), Buffer.from([20, 0]), common, rest]);
    directory.push(head, Buffer.from(name));
    files.push(file);
    offset += file.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, central, end]);
}

/** The `tfplan` entry of a plan with a backend, as Terraform writes it. */
export function tfplanOf(
  type: string,
  settings: Readonly<Record<string, string | boolean | null>>,
  workspace = 'default',
): Buffer {
  const field = (number: number, bytes: Buffer): Buffer =>
    Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    return Buffer.concat([
      bytes.length < 32 ? Buffer.from([0xa0 | bytes.length]) : Buffer.from([0xd9, bytes.length]),
      bytes,
    ]);
  };
  const packed = (value: string | boolean | null): Buffer =>
    typeof value === 'string' ? text(value) : Buffer.from([value === null ? 0xc0 : value ? 0xc3 : 0xc2]);
  const entries = Object.entries(settings);
  const map = Buffer.concat([
    Buffer.from([0xde, 0, entries.length]),
    ...entries.flatMap(([name, value]) => [text(name), packed(value)]),
  ]);
  const backend = [field(1, Buffer.from(type)), field(2, field(1, map)), field(3, Buffer.from(workspace))];
  return Buffer.concat([Buffer.from([0x08, 3]), field(13, Buffer.concat(backend))]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128);
  return Buffer.from([...bytes, left]);
}
