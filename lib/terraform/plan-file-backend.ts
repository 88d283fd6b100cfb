/** The backend that a plan was made with: that of the configuration, and whatever the command line set beside it. */
export interface PlannedBackend {
  /** `local`, `s3`. */
  readonly type: string;
  readonly workspace: string;
  /** Its settings; those that are unset are left out. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Numbers of the fields in Terraform's `planfile.proto`. */
const BACKEND = 13;
const FIELDS = { type: 1, config: 2, workspace: 3 } as const;
const MSGPACK = 1;

/**
 * Reads the backend out of the `tfplan` entry of a plan file. `terraform show` prints everything else of it, and not
 * this.
 *
 * @throws Error if it is not there or not of the form that is known
 * @see https://github.com/hashicorp/terraform/blob/v1.11.4/internal/plans/planproto/planfile.proto
 */
export function plannedBackend(plan: Buffer): PlannedBackend {
  const [backend, ...more] = fieldsOf(plan).filter(({ number }) => number === BACKEND);
  if (backend === undefined || more.length > 0) throw new Error('it names no backend');
  const fields = fieldsOf(backend.bytes);
  const only = (number: number): Buffer => {
    const found = fields.filter((one) => one.number === number);
    if (found.length > 1) throw new Error('its backend has a field twice');
    return found[0]?.bytes ?? Buffer.alloc(0);
  };
  const config = fieldsOf(only(FIELDS.config)).find(({ number }) => number === MSGPACK);
  const settings = new MessagePack(config?.bytes ?? Buffer.of(0x80)).whole();
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings))
    throw new Error('the settings of its backend are no map');
  return {
    type: only(FIELDS.type).toString('utf8'),
    workspace: only(FIELDS.workspace).toString('utf8'),
    settings: Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null)),
  };
}

interface Field {
  readonly number: number;
  readonly bytes: Buffer;
}

/** The fields of a Protocol Buffers message; of numbers only that they are there. */
function fieldsOf(message: Buffer): readonly Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at];
      if (byte === undefined || scale > 2 ** 63) throw new Error('it is cut off');
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const [number, type] = [Math.floor(key / 8), key % 8];
    if (type === 0) varint();
    else if (type === 1 || type === 5) at += type === 1 ? 8 : 4;
    else if (type === 2) {
      const length = varint();
      if (at + length > message.length) throw new Error('it is cut off');
      found.push({ number, bytes: message.subarray(at, at + length) });
      at += length;
    } else throw new Error('it is no message of a plan');
  }
  return found;
}

/** The part of MessagePack that Terraform writes a backend's settings in: nil, flags, small numbers, texts, lists, maps. */
class MessagePack {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  whole(): unknown {
    const value = this.#value(0);
    if (this.#at !== this.#bytes.length) throw new Error('something stands after the settings of its backend');
    return value;
  }

  #number(size: 1 | 2): number {
    const value = this.#bytes.readUIntBE(this.#at, size);
    this.#at += size;
    return value;
  }

  #value(depth: number): unknown {
    if (depth > 8) throw new Error('the settings of its backend nest too deeply');
    const kind = this.#number(1);
    if (kind <= 0x7f) return kind;
    if (kind <= 0x8f) return this.#map(kind & 0x0f, depth);
    if (kind <= 0x9f) return this.#list(kind & 0x0f, depth);
    if (kind <= 0xbf) return this.#text(kind & 0x1f);
    if (kind === 0xc0) return null;
    if (kind === 0xc2 || kind === 0xc3) return kind === 0xc3;
    if (kind === 0xcc || kind === 0xcd) return this.#number(kind === 0xcc ? 1 : 2);
    if (kind === 0xd9 || kind === 0xda) return this.#text(this.#number(kind === 0xd9 ? 1 : 2));
    if (kind === 0xdc) return this.#list(this.#number(2), depth);
    if (kind === 0xde) return this.#map(this.#number(2), depth);
    throw new Error('the settings of its backend hold a value of an unknown form');
  }

  #text(length: number): string {
    if (this.#at + length > this.#bytes.length) throw new Error('the settings of its backend are cut off');
    const text = this.#bytes.toString('utf8', this.#at, this.#at + length);
    this.#at += length;
    return text;
  }

  #list(length: number, depth: number): unknown {
    return Array.from({ length }, () => this.#value(depth + 1));
  }

  #map(length: number, depth: number): unknown {
    const found = new Map<string, unknown>();
    for (let index = 0; index < length; index += 1) {
      const name = this.#value(depth + 1);
      if (typeof name !== 'string' || found.has(name))
        throw new Error('the settings of its backend have a strange name');
      found.set(name, this.#value(depth + 1));
    }
    return Object.fromEntries(found);
  }
}
