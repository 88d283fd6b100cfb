/** The rotation file, for programs of a team's own: `keyturn/rotation`. */
export { KeyturnError } from '../errors';
export { rotationJsonSchema } from './json-schema';
export { AWS_PROVIDER_VERSION } from './provider-version';
export { activeVersion, type Bucket, type KeyVersion, type Rotation, stackNames, versionAlias } from './rotation';
export { loadRotation, type ParseOptions } from './rotation-file';
export { findRotationFiles } from './rotation-files';
