import { Injectable } from '@nestjs/common';
import type { AddressedRequest } from '../http/source-address.js';
import { AdminKey } from './admin-key.js';
import { ClientDirectory, type Client } from './client-directory.js';
import { FailedKeys } from './failed-keys.js';
import { presented, type PresentedKey } from './presented-key.js';
import { unknownKey, type RefusalError } from './refusals.js';

/** Some 5 MB at most; past it, keys are hashed again rather than remembered. */
const MOST_READERS = 20_000;

/** Tells whose key a request carries; what that caller may do is for the guards. */
@Injectable()
export class KeyAuthentication {
  /**
   * Valid keys of plain reads, by their text: to hash one takes longer than all else that such a read is checked for.
   * Nothing but the hash is remembered. What the key may do is looked up each time, so a revocation counts at once.
   * The Map compares hashes with a seed of this process before it compares texts, so its time tells nothing of a key.
   */
  private readonly readers = new Map<string, PresentedKey>();

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
  admittedClient(request: AddressedRequest, keyText: string): Client | undefined {
    const known = this.readers.get(keyText);
    const key = known ?? presented(keyText);
    const client = this.clients.find(key);
    if (client === undefined) {
      this.readers.delete(keyText);
      return undefined;
    }
    if (known === undefined) {
      this.remember(keyText, key);
    }
    return this.failedKeys.heldUp(request, key.hash) === undefined ? client : undefined;
  }

  private remember(keyText: string, key: PresentedKey): void {
    if (this.readers.size >= MOST_READERS) {
      this.readers.clear();
    }
    this.readers.set(keyText, key);
  }
}
