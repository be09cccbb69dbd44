/** Control characters, ends of lines, and what turns the direction of text around. */
const CONTROLS = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const ALL_CONTROLS = new RegExp(CONTROLS, 'gu');

const NAMES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text of a user's as one line that shows what it is. */
export function escapeControls(text: string): string {
  return CONTROLS.test(text) ? text.replaceAll(ALL_CONTROLS, escaped) : text;
}

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return (
    NAMES[character] ??
    (code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`)
  );
}
