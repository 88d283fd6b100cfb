/**
 * Characters that control a terminal, a reading direction or a workflow runner, and invisible ones: C0 and C1
 * controls, bidirectional marks, zero-width characters, line and paragraph separators, the byte-order mark, tag
 * characters, lone surrogates.
 */
const STEERING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern matches control characters
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udfff]/g;

/** The bracket of `##[command]`: a runner executes it anywhere in a line, but `::command::` only at its start. */
const RUNNER_COMMAND = /(?<=##)\[/g;

const escaped = (characters: string): string =>
  Array.from({ length: characters.length }, (_, index) => characters.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('');

/** The text with every such character escaped as `\u001b`. A JSON parser restores the same text. */
export function escapeInvisible(text: string): string {
  return text.replace(STEERING, escaped).replace(RUNNER_COMMAND, escaped);
}
