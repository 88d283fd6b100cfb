/** A text, or one of the marks between the values of a JSON text. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/**
 * The first member that an object of a JSON text has twice; undefined: none. `JSON.parse` keeps the last of the two,
 * but Terraform reads every `resource` of a stack file.
 *
 * @param text - valid JSON
 */
export function duplicateMember(text: string): string | undefined {
  // A list has no names.
  const open: (Set<string> | undefined)[] = [];
  let isName = false;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (isName && token.startsWith('"')) {
      const name = token.includes('\\') ? String(JSON.parse(token)) : token.slice(1, -1);
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
    isName = token === '{' || (token === ',' && open.at(-1) !== undefined);
  }
  return undefined;
}
