import { AppError } from '../errors/app-error.js';

/** No such key, or one that has expired or was withdrawn: which of them is not told. */
export function unknownKey(): AppError {
  return new AppError(
    'unauthenticated',
    'This key is unknown or no longer valid. Check it for a typing error, or ask the operator for a new one.',
  );
}

/**
 * A client's key and an account that it may not use, or that does not exist: the answer is the same, so
 * that a key cannot be used to find out which accounts there are. Features throw it for unknown accounts.
 */
export function accountRefused(): AppError {
  return new AppError(
    'forbidden',
    'This key may not use that account, or there is no such account. Check the AppID in the path, or ask the operator to add the account to the key.',
  );
}

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
