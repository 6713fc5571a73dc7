import { AppError, type ValidationProblem } from '../errors/app-error.js';
import { scrubText } from '../errors/redaction.js';
import { escapeUnseen } from '../errors/unseen-text.js';

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  /** Of zod's `unrecognized_keys`, which stands at the object that holds them. */
  readonly code?: string | undefined;
  readonly keys?: readonly string[] | undefined;
}

const MOST_ERRORS = 20;
/** No field that there is comes near it; what a caller makes up may be as long as the body. */
const LONGEST_NAME = 64;

/** `place` is `body`, `query` or `params.<name>`: what the paths start with. */
export function validationFailed(place: string, issues: readonly Issue[]): AppError {
  const problems = issues.flatMap((issue) => problemsOf(place, issue));
  return new AppError('validation_failed', 'Correct what `errors` lists and send it again.', {
    errors: withoutRepeats(problems).slice(0, MOST_ERRORS),
  });
}

/** Two checks of a field may find the same fault, and say so in the same words. */
function withoutRepeats(problems: readonly ValidationProblem[]): ValidationProblem[] {
  const byText = new Map(
    problems.map((problem) => [`${problem.path} ${problem.message}`, problem] as const),
  );
  return [...byText.values()];
}

function problemsOf(place: string, { code, keys = [], path, message }: Issue): ValidationProblem[] {
  const at = [place, ...keysOf(path)].join('.');
  if (code !== 'unrecognized_keys') {
    return [{ path: at, message }];
  }
  return keys.map((key) => ({ path: `${at}.${nameOf(key)}`, message }));
}

function keysOf(path: Issue['path']): string[] {
  return (path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment));
}

/** The caller made it up, and may have put a key where its name belongs. */
function nameOf(key: string): string {
  const name = escapeUnseen(scrubText(key));
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
}
