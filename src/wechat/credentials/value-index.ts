import type { CredentialSlot } from './credential-slot.js';
import { previousOf } from './previous-value.js';
import { valueHash } from './value-hash.js';

interface Indexed {
  readonly value: string | undefined;
  readonly previousHash: string | undefined;
  readonly hashes: readonly string[];
}

const NOTHING: Indexed = { value: undefined, previousHash: undefined, hashes: [] };

/**
 * Which credential a value is, or was until the last rotation: one look-up by its hash, however many
 * accounts there are. It follows each slot's changes; whether a value is still good is the slot's to say.
 */
export class ValueIndex {
  private readonly slots = new Map<string, CredentialSlot>();
  private readonly indexed = new Map<CredentialSlot, { now: Indexed; stop: () => void }>();

  /** Takes a slot in and follows it until it is removed. */
  add(slot: CredentialSlot): void {
    const entry = {
      now: NOTHING,
      stop: slot.onChange(() => {
        entry.now = this.reindex(slot, entry.now);
      }),
    };
    this.indexed.set(slot, entry);
    entry.now = this.reindex(slot, entry.now);
  }

  remove(slot: CredentialSlot): void {
    const entry = this.indexed.get(slot);
    if (entry !== undefined) {
      entry.stop();
      this.forget(slot, entry.now);
      this.indexed.delete(slot);
    }
  }

  find(hash: string): CredentialSlot | undefined {
    return this.slots.get(hash);
  }

  /** Listeners are called at every poll as well: nothing is hashed unless the value is another one. */
  private reindex(slot: CredentialSlot, before: Indexed): Indexed {
    const value = slot.live?.value;
    const previousHash = previousOf(slot)?.hash;
    if (value === before.value && previousHash === before.previousHash) {
      return before;
    }
    this.forget(slot, before);
    const hashes = [
      ...(previousHash === undefined ? [] : [previousHash]),
      ...(value === undefined ? [] : [valueHash(value)]),
    ];
    for (const hash of hashes) {
      this.slots.set(hash, slot);
    }
    return { value, previousHash, hashes };
  }

  private forget(slot: CredentialSlot, { hashes }: Indexed): void {
    for (const hash of hashes) {
      if (this.slots.get(hash) === slot) {
        this.slots.delete(hash);
      }
    }
  }
}
