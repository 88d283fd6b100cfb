/** `npm run schema`: generates `rotation.schema.json` from the parser's schema. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { rotationJsonSchemaText } from '../lib/rotation/json-schema';

writeFileSync(path.join(__dirname, '..', 'rotation.schema.json'), rotationJsonSchemaText());
