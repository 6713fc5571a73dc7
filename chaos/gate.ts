/** Which bytes a gate waits for: a request that matches, or the answer to it. */
export interface HeldBytes {
  readonly what: 'request' | 'answer';
  readonly request: RegExp;
}

/**
 * Holds back one request, or the answer to one, so that something can be done at exactly that step. What
 * comes after it on the same connection waits behind it; other connections go on.
 */
export class Gate {
  private wanted: HeldBytes | undefined;
  private answerOf: object | undefined;
  private tell: () => void = () => undefined;
  private open: () => void = () => undefined;

  /** Resolves when the bytes are there, and held. */
  hold(wanted: HeldBytes): Promise<void> {
    this.wanted = wanted;
    return new Promise((resolve) => {
      this.tell = resolve;
    });
  }

  /** Lets go what is held. */
  release(): void {
    this.open();
  }

  /** For the proxy. @returns what the bytes have to wait for */
  pass(link: object, isAnswer: boolean, chunk: Buffer): Promise<void> | undefined {
    const { wanted } = this;
    if (isAnswer) {
      return link === this.answerOf ? this.close() : undefined;
    }
    if (wanted?.request.test(chunk.toString('latin1')) !== true) {
      return undefined;
    }
    this.wanted = undefined;
    if (wanted.what === 'request') {
      return this.close();
    }
    this.answerOf = link;
    return undefined;
  }

  private close(): Promise<void> {
    this.answerOf = undefined;
    this.tell();
    return new Promise((resolve) => {
      this.open = resolve;
    });
  }
}
