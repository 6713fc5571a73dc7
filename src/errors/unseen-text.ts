/*
 * Characters that are not seen, or make a reader see another text than there is: control characters, line and
 * paragraph separators, halves of a surrogate pair, and format characters such as U+202E, which turns text round.
 * The two joiners (U+200C, U+200D) are needed by scripts and emoji. What people give us must not hold them; in what
 * WeChat says they are written as their codes.
 */
const UNSEEN = String.raw`[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}`;

/** For a `regex` of zod: one line without such characters. */
export const VISIBLE_LINE = new RegExp(`^(?:(?!${UNSEEN}).)*$`, 'u');

export const NOT_VISIBLE =
  'must not contain control characters, line breaks, invisible format characters (such as U+202E) or unpaired surrogates';

const EACH = new RegExp(UNSEEN, 'gu');

/** The text with such characters as `\u202e`. */
export function escapeUnseen(text: string): string {
  return text.replace(
    EACH,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}
