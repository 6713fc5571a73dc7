/**
 * At most one call under way and one waiting for each key. Who asks while one is under way gets the
 * next one's result: the one under way may have looked before the thing happened that is asked about.
 */
export class SharedCall<Key extends object> {
  private readonly calls = new WeakMap<Key, { current: Promise<void>; next?: Promise<void> }>();

  /** Rejects as `call` does, for all who share it. */
  run(key: Key, call: () => Promise<void>): Promise<void> {
    const calls = this.calls.get(key);
    if (calls !== undefined) {
      calls.next ??= calls.current.then(
        () => this.start(key, call),
        () => this.start(key, call),
      );
      return calls.next;
    }
    return this.start(key, call);
  }

  private start(key: Key, call: () => Promise<void>): Promise<void> {
    const current = call().finally(() => {
      const calls = this.calls.get(key);
      if (calls?.current === current && calls.next === undefined) {
        this.calls.delete(key);
      }
    });
    this.calls.set(key, { current });
    return current;
  }
}
