const FEWEST_DIFFERENT = 10;
const SHORTEST_RUN = 3;

/** Words that people put into keys, and rows of the keyboard. A longer word comes before one that it contains. */
const WORDS = [
  ...['administrator', 'admin', 'password', 'passwort', 'passwd', 'pass', 'pwd', 'secret', 'token'],
  ...['client', 'server', 'service', 'api', 'key', 'access', 'encryption', 'master', 'private'],
  ...['wechat', 'weixin', 'center', 'account', 'company', 'default', 'example', 'sample', 'value'],
  ...['please', 'change', 'replace', 'insert', 'enter', 'your', 'here', 'todo', 'dummy', 'fake'],
  ...['test', 'demo', 'dev', 'staging', 'production', 'prod', 'local', 'root', 'user', 'login'],
  ...['super', 'strong', 'secure', 'random', 'string', 'letmein', 'welcome', 'hello', 'world'],
  ...['foobar', 'iloveyou', 'dragon', 'monkey', 'football', 'sunshine', 'princess', 'shadow'],
  ...['qwertyuiop', 'qwerty', 'asdfghjkl', 'asdf', 'zxcvbnm', 'zxcv', '1q2w3e4r5t', '1qaz2wsx'],
] as const;

/** Digits and signs that people write in place of letters; both forms are looked for. */
const DISGUISES: Readonly<Partial<Record<string, string>>> = {
  a: '[a@4]',
  e: '[e3]',
  i: '[i1!]',
  l: '[l1]',
  o: '[o0]',
  s: '[s5$]',
  t: '[t7]',
};

const WORD = new RegExp(
  WORDS.map((word) => word.replace(/[aeilost]/g, (letter) => DISGUISES[letter] ?? letter)).join(
    '|',
  ),
  'gi',
);
const REPETITION = /(.{1,64}?)\1+/g;

/**
 * Whether a key can be guessed: nothing, or too little, is left of it without common words, sequences and
 * repetitions. It catches what people make up in a hurry and refuses no random key of the advised length;
 * a sentence that nobody else knows passes, since no list would hold it.
 */
export function isGuessable(key: string): boolean {
  const rest = withoutRuns(key).replace(WORD, '').replace(REPETITION, '$1');
  return new Set(rest).size < FEWEST_DIFFERENT;
}

/** The same of 32 bytes: too few different ones, steps from one to the next that repeat, or a text. */
export function areGuessable(bytes: Uint8Array): boolean {
  const steps = bytes.slice(1).map((byte, index) => byte - (bytes[index] ?? 0));
  return (
    new Set(bytes).size < FEWEST_DIFFERENT ||
    new Set(steps).size < FEWEST_DIFFERENT ||
    (bytes.every(isPrintable) && isGuessable(String.fromCharCode(...bytes)))
  );
}

/** Takes out sequences such as 1234, 4321 and abcd. */
function withoutRuns(text: string): string {
  const codes = Array.from(text, (character) => character.charCodeAt(0));
  let rest = '';
  for (let start = 0; start < codes.length;) {
    const length = Math.max(runLength(codes, start, 1), runLength(codes, start, -1));
    rest += length < SHORTEST_RUN ? text.charAt(start) : '';
    start += length < SHORTEST_RUN ? 1 : length;
  }
  return rest;
}

function runLength(codes: readonly number[], start: number, step: number): number {
  let length = 1;
  while (codes[start + length] === (codes[start] ?? 0) + length * step) {
    length += 1;
  }
  return length;
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte <= 0x7e;
}
