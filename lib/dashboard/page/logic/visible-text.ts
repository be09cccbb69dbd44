// What comes from operations is text of anybody: characters that are not seen, or that turn the
// direction of what follows, are written out.

// Those that join letters and emojis stay.
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const CONTROL_PICTURES = 0x2400;
const DELETE = 0x7f;

/** @param keepsLines leave line breaks and tabs as they are */
export function visibleText(text: string, keepsLines = false): string {
  return text.replace(UNSEEN, (character) => {
    if (keepsLines && (character === '\n' || character === '\t')) return character;
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCodePoint(CONTROL_PICTURES + code);
    if (code === DELETE) return '␡';
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

/** At most so many characters, and a sign that there is more. */
export function clip(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const end = text.slice(0, longest);
  // Not in the middle of a pair.
  return `${/[\ud800-\udbff]$/.test(end) ? end.slice(0, -1) : end}…`;
}
