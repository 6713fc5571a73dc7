import { AppError } from './app-error.js';

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

const MOST_ERRORS = 20;

/** `place` is `body`, `query` or `params.<name>`: what the paths start with. */
export function validationFailed(place: string, issues: readonly Issue[]): AppError {
  const errors = issues
    .slice(0, MOST_ERRORS)
    .map(({ path, message }) => ({ path: [place, ...keysOf(path)].join('.'), message }));
  return new AppError('validation_failed', 'Correct what `errors` lists and send it again.', {
    errors,
  });
}

function keysOf(path: Issue['path']): string[] {
  return (path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment));
}
