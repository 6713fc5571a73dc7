import { Injectable } from '@nestjs/common';
import type { AddressedRequest } from '../http/source-address.js';
import { AdminKey } from './admin-key.js';
import { ClientDirectory, type Client } from './client-directory.js';
import { FailedKeys } from './failed-keys.js';
import type { PresentedKey } from './presented-key.js';
import { unknownKey, type RefusalError } from './refusals.js';

/** Tells whose key a request carries; what that caller may do is for the guards. */
@Injectable()
export class KeyAuthentication {
  constructor(
    private readonly clients: ClientDirectory,
    private readonly adminKey: AdminKey,
    private readonly failedKeys: FailedKeys,
  ) {}

  /**
   * @param refused how a key that is not valid is answered
   * @throws AppError what `refused` makes; `rate_limited` after many of those from the same address;
   *   `database_unavailable` before the stored clients have been read
   */
  identify(
    request: AddressedRequest,
    key: PresentedKey,
    refused: (reason: 'unknown_key' | 'expired_key') => RefusalError = unknownKey,
  ): Client | 'admin' {
    const client = this.clients.find(key);
    if (client === undefined && !this.adminKey.matches(key.hash)) {
      throw (
        this.clients.notYet(key) ??
        this.failedKeys.refusal(request, refused(this.clients.whyNot(key)))
      );
    }
    const heldUp = this.failedKeys.heldUp(request, key.hash);
    if (heldUp !== undefined) {
      throw heldUp;
    }
    return client ?? 'admin';
  }

  /** For the read listener: throws nothing and counts nothing. @returns undefined where {@link identify} must decide */
  admittedClient(request: AddressedRequest, key: PresentedKey): Client | undefined {
    const client = this.clients.find(key);
    return client === undefined || this.failedKeys.heldUp(request, key.hash) !== undefined
      ? undefined
      : client;
  }
}
