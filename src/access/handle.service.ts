import { Injectable } from '@nestjs/common';
import { Keyring } from '../encryption/keyring.js';
import { Clock } from '../time/clock.js';
import { ClientDirectory, type Client } from './client-directory.js';
import { packHandle, unpackHandle } from './handle.js';
import { RefusalError } from './refusals.js';

/** What SDKs are told, as WeChat tells of its tokens. */
export const HANDLE_LIFE_SECONDS = 7_200;
/** An SDK that keeps it for all that time gets its next one before this one ends, also by a clock that differs. */
const GRACE_MS = 300_000;

/** Makes handles for clients that may call WeChat and not see its token, and tells whose one is. */
@Injectable()
export class HandleService {
  constructor(
    private readonly keyring: Keyring,
    private readonly clients: ClientDirectory,
    private readonly clock: Clock,
  ) {}

  /** @throws Error for the client of the environment, which has no key that could be named */
  issue({ id, keyId }: Client, appId: string): string {
    if (keyId === undefined) {
      throw new Error(`the client ${id} has no stored key, and so no handles`);
    }
    const expiresAtMs = this.clock.wallMs() + HANDLE_LIFE_SECONDS * 1_000 + GRACE_MS;
    return packHandle({ keyId, appId, expiresAtMs }, this.keyring);
  }

  /**
   * The client whose key it was made for, while that may call this account through the gateway.
   * @throws RefusalError `unknown_handle`; AppError `database_unavailable` before the stored clients have been read
   */
  open(text: string): { readonly client: Client; readonly appId: string } {
    const handle = unpackHandle(text, this.keyring);
    if (handle === undefined || handle.expiresAtMs <= this.clock.wallMs()) {
      throw handleRefused();
    }
    const { keyId, appId } = handle;
    const client = this.clients.findByKeyId(keyId);
    if (client === undefined) {
      throw this.clients.notYet({ mayBeStored: true }) ?? handleRefused();
    }
    const mayUse = client.accounts === 'all' || client.accounts.has(appId);
    if (!mayUse || !client.scopes.has('gateway')) {
      throw handleRefused();
    }
    return { client, appId };
  }
}

/** In the same words whatever is wrong with it. */
function handleRefused(): RefusalError {
  return new RefusalError(
    'unauthenticated',
    'unknown_handle',
    'this handle is unknown, has ended, or its key was revoked; get a new one from /cgi-bin/token here',
  );
}
