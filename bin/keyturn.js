#!/usr/bin/env node
const { existsSync } = require('node:fs');
const { join } = require('node:path');

// The SDK's warning about the end of Node 20 support would stand between a command and its answer.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
if (process.argv.length === 3 && process.argv[2] === '--version') {
  // Answered before any command is loaded: a script that asks should not wait for the AWS SDK.
  process.stdout.write(`${require('../package.json').version}\n`);
} else {
  // The package holds compiled files; a clone holds sources, and compiles those that it has.
  const clone = existsSync(join(__dirname, '../scripts/keyturn.ts'));
  const folder = clone ? require('./compile').compiledFolder() : join(__dirname, '../dist');
  if (process.argv.includes('--debug')) process.setSourceMapsEnabled(true);
  require(join(folder, 'scripts/keyturn.js'));
}
