const { availableParallelism } = require('node:os');

/** These, and what they stand on, are ESM only, and Jest loads CommonJS: they are transformed too. */
const esmOnly = ['@actions', 'age-encryption', '@noble', '@scure'];

// The SDK's warning about the end of Node 20 support, once a test file, would bury the summary. Workers inherit it.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['**/__tests__/**/*.test.ts'],
  transform: { '^.+\\.[cm]?[jt]s$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }] },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
  // GitHub's packages export themselves to ESM importers alone.
  moduleNameMapper: {
    '^@actions/(expressions|workflow-parser)$': '<rootDir>/node_modules/@actions/$1/dist/index.js',
    '^@actions/expressions/(.+)$': '<rootDir>/node_modules/@actions/expressions/dist/$1.js',
  },
  modulePathIgnorePatterns: [
    '<rootDir>/cdktf.out/',
    '<rootDir>/dist/',
    '<rootDir>/.keyturn/',
    '<rootDir>/.stryker-tmp/',
  ],
  globalSetup: '<rootDir>/__tests__/runner/global-setup.ts',
  setupFiles: process.env.SLOW === '1' ? ['<rootDir>/__tests__/runner/slow-properties.ts'] : [],
  testSequencer: '<rootDir>/__tests__/runner/sequencer.js',
  reporters: ['default', '<rootDir>/__tests__/runner/slowest-files.js'],
  // Jest leaves one core to its own process, which only waits. A second worker for each core uses what Terraform waits for AWS.
  maxWorkers: availableParallelism() * 2,
  // A module in Jest's sandbox finds a global by a slow look-up. These, which hot loops use, it gets as arguments. A dependency
  // that declares a name of its own, as some do with Error, Promise and Array, could not be loaded then.
  sandboxInjectedGlobals: ['Math', 'Object', 'Map', 'Set', 'JSON'],
  testTimeout: 60_000,
};
