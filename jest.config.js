/** age-encryption and what it stands on are ESM only, and Jest loads CommonJS: those packages are transformed too. */
const esmOnly = ['age-encryption', '@noble', '@scure'];

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['**/__tests__/**/*.test.ts'],
  transform: { '^.+\\.[cm]?[jt]s$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }] },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
  modulePathIgnorePatterns: ['<rootDir>/cdktf.out/', '<rootDir>/.keyturn/'],
  testTimeout: 30_000,
};
