/** An admin makes keys; this is far above what one installation has. */
const MOST_KEYS = 10_000;
const MOST_ADDRESSES = 1_000;

/**
 * From which addresses each valid key has been used, since the start of this process.
 *
 * Only a valid key adds to it, and each key has room of its own: whoever holds one key and many addresses pushes
 * out what is remembered of that key, and of no other.
 */
export class KeysInUse {
  private readonly addresses = new Map<string, Set<string>>();

  constructor(
    private readonly mostKeys = MOST_KEYS,
    private readonly mostAddresses = MOST_ADDRESSES,
  ) {}

  has(keyHash: string, address: string): boolean {
    return this.addresses.get(keyHash)?.has(address) === true;
  }

  add(keyHash: string, address: string): void {
    const known = this.addresses.get(keyHash) ?? this.addKey(keyHash);
    dropOldest(known, this.mostAddresses - 1);
    known.add(address);
  }

  private addKey(keyHash: string): Set<string> {
    dropOldest(this.addresses, this.mostKeys - 1);
    const known = new Set<string>();
    this.addresses.set(keyHash, known);
    return known;
  }
}

/** Both kinds keep the order in which their entries were added. */
function dropOldest(entries: Map<string, unknown> | Set<string>, most: number): void {
  for (const oldest of entries.keys()) {
    if (entries.size <= most) {
      return;
    }
    entries.delete(oldest);
  }
}
