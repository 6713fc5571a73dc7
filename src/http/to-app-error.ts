import { HttpException } from '@nestjs/common';
import { AppError } from '../errors/app-error.js';
import { validationFailed } from './validation.errors.js';

/**
 * Whatever was thrown → the error that a client may see. What nobody foresaw becomes `internal_error`
 * with nothing of its message: that is for the log alone.
 */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) {
    return thrown;
  }
  if (thrown instanceof HttpException) {
    return fromFastifyError(thrown.cause) ?? fromHttpException(thrown);
  }
  return fromFastifyError(thrown) ?? unforeseen(thrown);
}

export function noSuchPath(): AppError {
  return new AppError('not_found', 'There is no such path. /docs lists those there are.');
}

/** Fastify refuses some requests before any route sees them; its codes are stable, its texts are not. */
const FASTIFY_REFUSALS: Readonly<Record<string, () => AppError>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: () => invalid('body', 'is not valid JSON'),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => invalid('body', 'is empty, though its Content-Type says JSON'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    invalid('body', 'is not as long as its Content-Length says'),
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    new AppError('payload_too_large', 'The body may have at most 16 KiB. Send a smaller one.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new AppError(
      'unsupported_media_type',
      'Send the body as JSON, with the header "Content-Type: application/json".',
    ),
  // As Node calls a request whose sender went away; errors of other connections have other words.
  'ECONNRESET aborted': () => invalid('body', 'ended before it was complete; send it again'),
  FST_ERR_BAD_URL: () => invalid('url', 'has a percent-encoding that cannot be decoded'),
  FST_ERR_INVALID_URL: () => invalid('url', 'cannot be parsed'),
  FST_ERR_MAX_PARAM_LENGTH: noSuchPath,
  FST_ERR_NOT_FOUND: noSuchPath,
};

function fromFastifyError(error: unknown): AppError | undefined {
  if (!isCoded(error)) {
    return undefined;
  }
  return (FASTIFY_REFUSALS[error.code] ?? FASTIFY_REFUSALS[`${error.code} ${error.message}`])?.();
}

function isCoded(error: unknown): error is { code: string; message: string } {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    'message' in error &&
    typeof error.code === 'string' &&
    typeof error.message === 'string'
  );
}

function fromHttpException(exception: HttpException): AppError {
  const status = exception.getStatus();
  switch (status) {
    case 401:
      return new AppError('unauthenticated', 'Send a key: "Authorization: Bearer <key>".');
    case 403:
      return new AppError('forbidden', 'The key does not allow this. Ask the operator for access.');
    case 404:
      return noSuchPath();
    case 413:
      return new AppError('payload_too_large', 'Send a smaller body.');
    case 415:
      return new AppError('unsupported_media_type', 'Send the body as JSON.');
    case 429:
      return new AppError('rate_limited', 'Wait before the next request.');
    default:
      return status < 500 ? invalid('request', exception.message) : unforeseen(exception);
  }
}

function invalid(place: string, message: string): AppError {
  return validationFailed(place, [{ message }]);
}

function unforeseen(cause: unknown): AppError {
  return new AppError(
    'internal_error',
    'The service failed in a way that it did not foresee. Give the error_id to the operator: the log says more under it.',
    { cause },
  );
}
