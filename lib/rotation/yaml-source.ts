/**
 * A rotation file as YAML: the plain value, the place of every field, and the YAML features that this file refuses.
 * Anchors, aliases, tags, directives and several documents let one line change the meaning of another, which neither
 * a reviewer of a diff nor a one-line edit can see. Refusing them also prevents alias bombs.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import type { FileFault } from '../errors';
import { pathText, shown, shownMessage, shownText } from './faults';
import type { FieldPath } from './field-messages';

/** The message of a fault, without its place. */
export type FaultMessage = Pick<FileFault, 'given' | 'allowed' | 'change'>;

export interface YamlSource {
  readonly document: Document;
  /** Plain data; undefined if the text is not YAML that this file allows. */
  readonly value: unknown;
  readonly faults: readonly FileFault[];
  /** A fault at the value of a field, or at its nearest parent in the file. */
  faultAt(path: FieldPath, words: FaultMessage): FileFault;
  /** A fault at the key itself of a mapping's entry. */
  faultAtKey(parent: FieldPath, key: string, words: FaultMessage): FileFault;
}

const CONFLICT_START = /^<{7}(?: |\r?$)/m;
const CONFLICT_MARKER = /^(?:<{7}|\|{7}|={7}|>{7})(?: .*)?\r?$/;

function conflictFaults(text: string): FileFault[] {
  if (!CONFLICT_START.test(text)) return [];
  return text.split('\n').flatMap((line, index) =>
    CONFLICT_MARKER.test(line)
      ? [
          {
            line: index + 1,
            column: 1,
            path: '',
            given: `a merge-conflict marker, ${shownText(line.trimEnd())}`,
            allowed: 'a file whose conflicts are resolved',
            change: 'decide which keyVersions and activeVersion to keep, and remove the marker',
          },
        ]
      : [],
  );
}

/** Reads the text; the result must still pass the schema and the rules. */
export function readYaml(text: string): YamlSource {
  const lines = new LineCounter();
  const keys: KeyIndex = new WeakMap();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: 'core',
    version: '1.2',
    uniqueKeys: false, // checked below: the library compares every pair of keys, which is slow for a hostile file
  });
  const place = (offset: number): Pick<FileFault, 'line' | 'column'> => {
    const { line, col } = lines.linePos(Math.max(0, Math.min(offset, text.length)));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const at = (offset: number, path: FieldPath, words: FaultMessage): FileFault => ({
    ...place(offset),
    path: pathText(path),
    ...words,
  });
  const conflicts = conflictFaults(text);
  const faults = conflicts.length > 0 ? conflicts : [...syntaxFaults(document, at), ...documentFaults(document, at)];
  const broken = conflicts.length > 0 || document.errors.length > 0 || hasAlias(document);
  return {
    document,
    value: broken ? undefined : document.toJS({ maxAliasCount: 0 }),
    faults,
    faultAt: (path, words) => at(offsetOf(document, path), path, words),
    faultAtKey: (parent, key, words) => at(offsetOfKey(document, parent, key, keys), [...parent, key], words),
  };
}

type At = (offset: number, path: FieldPath, words: FaultMessage) => FileFault;

function syntaxFaults(document: Document, at: At): FileFault[] {
  const words = (error: YAMLError): FaultMessage => {
    if (error.code === 'MULTIPLE_DOCS')
      return { given: 'a second YAML document', allowed: 'one document', change: 'write one file per rotation' };
    return {
      given: `invalid YAML (${shownMessage(error.message)})`,
      allowed: 'YAML 1.2',
      change: 'correct the indentation or quoting here',
    };
  };
  return document.errors.map((error) => at(error.pos[0], [], words(error)));
}

/** Faults in valid YAML that this file does not allow. */
function documentFaults(document: Document, at: At): FileFault[] {
  const found: FileFault[] = [];
  const refuse = (
    node: { range?: readonly number[] | null },
    given: string,
    change: string,
    allowed = 'plain fields, lists and values',
  ) => found.push(at(node.range?.[0] ?? 0, [], { given, allowed, change }));
  const { yaml, tags } = document.directives ?? {};
  if (yaml?.explicit || Object.keys(tags ?? {}).length > 1)
    refuse({ range: [0] }, 'a YAML directive', 'remove the line that starts with %');
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) refuse(node, `the alias *${shownText(node.source)}`, 'write the value itself');
      else if (node.anchor)
        refuse(node, `the anchor &${shownText(node.anchor)}`, 'remove it and write each value where it belongs');
      if (!isAlias(node) && node.tag) refuse(node, `the tag ${shownText(node.tag)}`, 'remove it');
    },
    Map: (_key, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value))
          refuse(key, `the field ${shown(key.value)} a second time`, 'remove one of the two', 'each field once');
        seen.add(key.value);
      }
    },
    Pair: (_key, pair) => {
      const key = pair.key;
      if (!isNode(key) || isAlias(key)) return;
      if (!isScalar(key) || typeof key.value !== 'string')
        refuse(
          key,
          `the key ${isScalar(key) ? shown(key.value) : 'that is not text'}`,
          'write the key as text, in quotes if it is a number',
          'keys that are text',
        );
      else if (key.value === '__proto__')
        refuse(key, 'the key "__proto__"', 'rename or remove it', 'the fields of a rotation file');
    },
  });
  return found;
}

function hasAlias(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

function offsetOf(document: Document, path: FieldPath): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function offsetOfKey(document: Document, parent: FieldPath, key: string, keys: KeyIndex): number {
  const map = parent.length === 0 ? document.contents : document.getIn(parent, true);
  if (!isMap(map)) return offsetOf(document, parent);
  return keysOf(map, keys).get(key) ?? offsetOf(document, parent);
}

/** Offset of each key of a mapping; cached, because a hostile file may have a fault at every one of very many keys. */
type KeyIndex = WeakMap<YAMLMap, ReadonlyMap<string, number>>;

function keysOf(map: YAMLMap, keys: KeyIndex): ReadonlyMap<string, number> {
  const known = keys.get(map);
  if (known) return known;
  const found = new Map<string, number>();
  for (const { key } of map.items) if (isScalar(key) && key.range) found.set(String(key.value), key.range[0]);
  keys.set(map, found);
  return found;
}
