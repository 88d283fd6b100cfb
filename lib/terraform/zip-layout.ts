/** The bytes of a zip file, checked so that every reader finds the same entries in it and nothing stands between them. */
import type { Entry } from 'yauzl';

const END_RECORD = 0x06054b50;
const END_SIZE = 22;
const LOCAL_HEADER = 0x04034b50;
const LOCAL_SIZE = 30;
/** Bit 3: checksum and sizes stand behind the content, in a record of 16 bytes, as Go writes them. */
const DESCRIBED_LATER = 8;
const DESCRIPTOR = 0x08074b50;
const DESCRIPTOR_SIZE = 16;

/** Where the directory begins. Readers look for the end record in different ways; it is found alike only as the last thing in the file. */
export function directoryStart(bytes: Buffer): number {
  const end = bytes.length - END_SIZE;
  if (end < 0 || bytes.readUInt32LE(end) !== END_RECORD) throw new Error('something stands after its end record');
  const start = bytes.readUInt32LE(end + 16);
  if (bytes.readUInt32LE(end + 12) + start !== end) throw new Error('its directory is not where its end record says');
  return start;
}

/** Refuses entries that overlap or leave bytes between them, and local headers that say another thing than the directory. */
export function refuseGaps(bytes: Buffer, entries: readonly Entry[]): void {
  let at = 0;
  for (const entry of [...entries].sort(
    (one, other) => one.relativeOffsetOfLocalHeader - other.relativeOffsetOfLocalHeader,
  )) {
    if (entry.relativeOffsetOfLocalHeader !== at)
      throw new Error(`something stands before its entry ${entry.fileName}`);
    at = endOf(bytes, entry);
  }
  if (at !== directoryStart(bytes)) throw new Error('something stands before its directory');
}

function endOf(bytes: Buffer, entry: Entry): number {
  const start = entry.relativeOffsetOfLocalHeader;
  const name = Buffer.from(entry.fileName);
  const nameSize = bytes.readUInt16LE(start + 26);
  const isSame =
    bytes.readUInt32LE(start) === LOCAL_HEADER &&
    bytes.readUInt16LE(start + 6) === entry.generalPurposeBitFlag &&
    bytes.readUInt16LE(start + 8) === entry.compressionMethod &&
    bytes.subarray(start + LOCAL_SIZE, start + LOCAL_SIZE + nameSize).equals(name);
  if (!isSame) throw new Error(`${entry.fileName} stands otherwise in its directory`);
  const end = start + LOCAL_SIZE + nameSize + bytes.readUInt16LE(start + 28) + entry.compressedSize;
  if ((entry.generalPurposeBitFlag & DESCRIBED_LATER) === 0) return end;
  if (bytes.readUInt32LE(end) !== DESCRIPTOR) throw new Error(`the sizes of ${entry.fileName} are not behind it`);
  return end + DESCRIPTOR_SIZE;
}
