/** What a CDKTF program of a team's own declares: `keyturn/stacks`. */
export { KeysStack } from './keys-stack';
export { StorageStack } from './storage-stack';
