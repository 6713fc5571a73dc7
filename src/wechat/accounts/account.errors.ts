import { AppError } from '../../errors/app-error.js';

/** For an admin; a client is refused by `accountRefused` of access/, which does not tell that there is none. */
export function accountNotFound(): AppError {
  return new AppError(
    'account_not_found',
    'There is no account with this AppID. GET /v1/admin/accounts lists those that there are.',
  );
}
