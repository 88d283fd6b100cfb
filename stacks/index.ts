/** What a CDKTF program of a team's own declares: `keyturn/stacks`. */
export { declareRotations } from './declare-rotations';
export { KeysStack } from './keys-stack';
export { RotatedAlias } from './rotated-alias';
export { RotatedBucket } from './rotated-bucket';
export { RotatedKey } from './rotated-key';
export { StorageStack } from './storage-stack';
