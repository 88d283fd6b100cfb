#!/usr/bin/env node
// The SDK's warning about the end of Node 20 support would stand between a command and its answer.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
require('tsx/cjs');
require('../scripts/keyturn.ts');
