/** Why a call is given up before its answer is through. */
export type EndReason = 'caller_gone' | 'stalled';

/**
 * The end of one call through the gateway, for all that takes part in it: when the caller goes away, or when nothing
 * has moved for too long. Simpler than an AbortController, which is a tenth of the cost of a call.
 */
export class CallEnd {
  private readonly timer: NodeJS.Timeout;
  private listener: (() => void) | undefined;
  private endedBy: EndReason | undefined;

  /** @param stallMs how long nothing may move, in either direction */
  constructor(stallMs: number) {
    this.timer = setTimeout(() => {
      this.end('stalled');
    }, stallMs);
  }

  /** Undefined while the call goes on. */
  get reason(): EndReason | undefined {
    return this.endedBy;
  }

  /** Whoever has the call's next step calls back here, one at a time; at once where it has ended. */
  onEnd(listener: (() => void) | undefined): void {
    this.listener = listener;
    if (this.endedBy !== undefined) {
      listener?.();
    }
  }

  /** Bytes have moved. */
  moved(): void {
    this.timer.refresh();
  }

  end(reason: EndReason): void {
    this.close();
    if (this.endedBy === undefined) {
      this.endedBy = reason;
      this.listener?.();
    }
  }

  /** The call is through: no timer is left. */
  close(): void {
    clearTimeout(this.timer);
  }
}
