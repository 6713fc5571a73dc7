/**
 * What could steer a terminal, turn text round or hide in it: control and format characters (U+202E and its like),
 * line and paragraph separators, halves of a surrogate pair. The two joiners of emoji and scripts are left.
 */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/gu;
const LINE_BREAK = '\n';

/** One line of what came over the network: every such character, line breaks too, becomes `?`. */
export function oneLine(text: string): string {
  return text.replace(UNSEEN, '?');
}

/** Text of several lines that are ours. The last net: what is shown was cleaned by {@link oneLine} before. */
export function lines(text: string): string {
  return text.replace(UNSEEN, (character) => (character === LINE_BREAK ? character : '?'));
}

/** JSON whose strings say the same: such characters as their codes. Its own line breaks stay. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(UNSEEN, (character) =>
    character === LINE_BREAK ? character : escaped(character),
  );
}

/** By UTF-16 units, as JSON has it. */
function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');
}
