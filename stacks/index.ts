/** What a CDKTF program of a team's own declares: `keyturn/stacks`. */
export { declareRotations } from './declare-rotations';
export { KeysStack } from './keys-stack';
export { StorageStack } from './storage-stack';
