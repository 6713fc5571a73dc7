/** Why a call is given up before its answer is through. */
export type EndReason = 'caller_gone' | 'stalled';

/**
 * The end of one call through the gateway, for all that takes part in it: when the caller goes away, or when nothing
 * has moved for too long.
 */
export class CallEnd {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;

  /** @param stallMs how long nothing may move, in either direction */
  constructor(stallMs: number) {
    this.timer = setTimeout(() => {
      this.end('stalled');
    }, stallMs);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Undefined while the call goes on. */
  get reason(): EndReason | undefined {
    return this.signal.aborted ? (this.signal.reason as EndReason) : undefined;
  }

  /** Bytes have moved. */
  moved(): void {
    this.timer.refresh();
  }

  end(reason: EndReason): void {
    this.close();
    this.controller.abort(reason);
  }

  /** The call is through: no timer is left. */
  close(): void {
    clearTimeout(this.timer);
  }
}
