import type { Credential } from './credential.js';
import { valueHash } from './value-hash.js';

interface Indexed {
  readonly value: string | undefined;
  readonly previousHash: string | undefined;
  readonly hashes: readonly string[];
}

const NOTHING: Indexed = { value: undefined, previousHash: undefined, hashes: [] };

/**
 * Which credential a value is, or was until the last rotation: one look-up by its hash, however many
 * accounts there are. It follows each credential's changes; whether a value is still good is the credential's to say.
 */
export class ValueIndex {
  private readonly credentials = new Map<string, Credential>();
  private readonly indexed = new Map<Credential, { now: Indexed; stop: () => void }>();

  /** Takes a credential in and follows it until it is removed. */
  add(credential: Credential): void {
    const entry = {
      now: NOTHING,
      stop: credential.onChange(() => {
        entry.now = this.reindex(credential, entry.now);
      }),
    };
    this.indexed.set(credential, entry);
    entry.now = this.reindex(credential, entry.now);
  }

  remove(credential: Credential): void {
    const entry = this.indexed.get(credential);
    if (entry !== undefined) {
      entry.stop();
      this.forget(credential, entry.now);
      this.indexed.delete(credential);
    }
  }

  find(hash: string): Credential | undefined {
    return this.credentials.get(hash);
  }

  /** Listeners are called at every poll as well: nothing is hashed unless the value is another one. */
  private reindex(credential: Credential, before: Indexed): Indexed {
    const value = credential.live?.value;
    const previousHash = credential.view.previous?.hash;
    if (value === before.value && previousHash === before.previousHash) {
      return before;
    }
    this.forget(credential, before);
    const hashes = [
      ...(previousHash === undefined ? [] : [previousHash]),
      ...(value === undefined ? [] : [valueHash(value)]),
    ];
    for (const hash of hashes) {
      this.credentials.set(hash, credential);
    }
    return { value, previousHash, hashes };
  }

  private forget(credential: Credential, { hashes }: Indexed): void {
    for (const hash of hashes) {
      if (this.credentials.get(hash) === credential) {
        this.credentials.delete(hash);
      }
    }
  }
}
