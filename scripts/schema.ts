/** `npm run schema`: writes `rotation.schema.json` anew from the parser's own schema. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { rotationJsonSchemaText } from '../lib/rotation/json-schema';

writeFileSync(path.join(__dirname, '..', 'rotation.schema.json'), rotationJsonSchemaText());
