import { AppError } from '../errors/app-error.js';

/** For admins. */
export function noSuchClient(): AppError {
  return new AppError(
    'not_found',
    'There is no such client. GET /v1/admin/clients lists those there are; the one of CLIENT_API_KEY is not among them.',
  );
}

/** For admins. */
export function noSuchKey(): AppError {
  return new AppError(
    'not_found',
    'This client has no such key, or it is revoked already. GET /v1/admin/clients/{id} lists its keys.',
  );
}
