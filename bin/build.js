/**
 * Fills `dist/`, which is what the package holds: the sources compiled file by file, and the declarations of what it exports.
 * `npm run types` checks types; this only writes them down.
 */
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { compiledFolder } = require('./compile');

const PROJECT = path.join(__dirname, '..');
const DIST = path.join(PROJECT, 'dist');

fs.rmSync(DIST, { recursive: true, force: true });
fs.cpSync(compiledFolder(), DIST, { recursive: true });
const tsc = require.resolve('typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.package.json'], { cwd: PROJECT, stdio: 'inherit' });
