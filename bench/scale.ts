import { scaleTables } from './scale-tables';

/** Prints the tables of docs/scale.md: `npm run scale`. Some seconds; the same on every machine. */
process.stdout.write(`${scaleTables()}\n`);
