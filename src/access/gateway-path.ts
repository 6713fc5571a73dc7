/** No path of WeChat's comes near it. */
const MOST_CHARACTERS = 1_024;

/**
 * What a path may be made of: the characters of RFC 3986 (3.3) without `;`, at which some servers cut a segment off,
 * and without `*`, which is the wildcard of rules; and bytes from 0x80 on, encoded. An encoded ASCII character is
 * another spelling of a path (`%74oken`), so that one is not passed.
 */
const PLAIN = /^(?:[A-Za-z0-9\-._~!$&'()+,=:@/]|%[89A-Fa-f][0-9A-Fa-f])*$/;
const NOT_PLAIN = /%(?![89A-Fa-f][0-9A-Fa-f])(?:[0-9A-Fa-f]{2})?|[^A-Za-z0-9\-._~!$&'()+,=:@/%]/u;

/**
 * Why a path is not passed on: WeChat, or a server in between, might read another path out of it than we do.
 * @param path as it came, without its query
 * @returns what is wrong and what to do, to be read behind "the path"; undefined for a plain path
 */
export function pathProblem(path: string): string | undefined {
  if (!path.startsWith('/')) {
    return 'must begin with /';
  }
  if (path.length > MOST_CHARACTERS) {
    return `is longer than ${MOST_CHARACTERS} characters`;
  }
  if (!PLAIN.test(path)) {
    return characterProblem(path);
  }
  const segments = path.slice(1).split('/');
  if (segments.slice(0, -1).includes('')) {
    return 'has two slashes in a row; write one';
  }
  if (segments.includes('.') || segments.includes('..')) {
    return 'has a segment "." or ".."; write the path that is meant';
  }
  return path.includes('%') && !isUtf8(path)
    ? 'encodes bytes that are not UTF-8, or control characters'
    : undefined;
}

function characterProblem(path: string): string {
  const [found = ''] = NOT_PLAIN.exec(path) ?? [];
  if (found === '%') {
    return 'has a % without two hexadecimal digits behind it';
  }
  if (found.startsWith('%')) {
    return `encodes an ASCII character (${found}); write it as it is`;
  }
  if (found === '?' || found === '#') {
    return `must not contain ${found}; leave the query and the fragment out`;
  }
  const code = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `must not contain the character U+${code}`;
}

/** Lenient decoders read a dot or a slash out of longer forms than there need be (`%c0%ae`); these are no UTF-8. */
function isUtf8(path: string): boolean {
  try {
    return !/\p{Cc}/u.test(decodeURIComponent(path));
  } catch (error) {
    if (error instanceof URIError) {
      return false;
    }
    throw error;
  }
}
